/* Sends what it is told, as the user it is told, and tells what errno came of it. */
#include "situation.h"

static long send_once(const struct order *order)
{
    siginfo_t info = {.si_signo = order->sig, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = order->value;
    if (order->how == 'k')
        return syscall(SYS_kill, order->pid, order->sig);
    if (order->how == 't')
        return syscall(SYS_tgkill, order->pid, order->tid, order->sig);
    if (order->how == 'q')
        return syscall(SYS_rt_sigqueueinfo, order->pid, order->sig, &info);
    return syscall(SYS_rt_tgsigqueueinfo, order->pid, order->tid, order->sig, &info);
}

void be_sender(int orders)
{
    struct order order;
    int32_t results[16];
    set_mask(~0ULL);
    if (sender_session)
        setsid();
    while (read(orders, &order, sizeof order) == sizeof order) {
        /* The saved uid stays 0, and is the way back; kill(2) looks at the other two. */
        if (order.uid && syscall(SYS_setresuid, order.uid, order.uid, 0))
            die("setresuid");
        for (int i = 0; i < order.count && i < 16; i++)
            results[i] = send_once(&order) < 0 ? errno : 0;
        if (order.uid)
            syscall(SYS_setresuid, 0, 0, 0);
        for (int i = 0; i < order.count && i < 16; i++)
            tell('S', order.sig, results[i], i);
    }
    _exit(0);
}
