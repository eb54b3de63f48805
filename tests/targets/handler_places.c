/*
 * Handlers at all kinds of places: handler_places [dead]. None of them is ever called. Its truth
 * is the address of each. `dead`: its main thread is gone, another lives on.
 */
#include "target.h"
#include <sys/mman.h>

__attribute__((noinline)) static void own_handler(int number)
{
    static volatile int last;
    last = number;
    last *= 2;
}

static int data_not_code = 7;

static unsigned long set(int number, void *place)
{
    struct sigaction action = {.sa_handler = (void (*)(int))place};
    if (sigaction(number, &action, NULL) != 0)
        abort();
    return (unsigned long)place;
}

int main(int argc, char **argv)
{
    (void)argv;
    pid_t other = argc > 1 ? start_thread(NULL, idle, NULL) : 0;
    void *made = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED)
        return 1;
    *(unsigned char *)made = 0xc3;
    int file = memfd_create("generated", 0);
    if (file < 0 || write(file, "\xc3", 1) != 1)
        return 1;
    void *mapped = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED)
        return 1;
    say("{\"own\": %lu, \"inside\": %lu, \"library\": %lu, \"made\": %lu, \"nowhere\": %lu,"
        " \"data\": %lu, \"mapped\": %lu, \"tids\": {\"main\": %d, \"other\": %d}, \"state\": {\"main\": \"%s\"}}",
        set(SIGUSR1, (void *)own_handler), set(SIGUSR2, (char *)own_handler + 4),
        set(SIGHUP, (void *)abort), set(SIGTERM, made), set(SIGALRM, (void *)16UL),
        set(SIGIO, &data_not_code), set(SIGPROF, mapped), getpid(), other, other ? "Z" : "S");
    if (other)
        pthread_exit(NULL);
    wait_for_ever();
}
