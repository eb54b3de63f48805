/*
 * hostile_comm HEX [ANYTHING...]
 *
 * A process whose name is the bytes given as hexadecimal digits (at most 15 count) and whose
 * other arguments are whatever the test passes: line breaks, terminal escapes, broken UTF-8.
 */
#include "target.h"

int main(int count, char **arguments)
{
    char name[16] = "", back[16] = "", shown[33] = "";
    const char *digits = count > 1 ? arguments[1] : "";
    for (int at = 0; at < 15 && digits[2 * at] && digits[2 * at + 1]; at++) {
        unsigned byte;
        sscanf(digits + 2 * at, "%2x", &byte);
        name[at] = (char)byte;
    }
    prctl(PR_SET_NAME, name);
    prctl(PR_GET_NAME, back);
    for (int at = 0; back[at]; at++)
        sprintf(shown + 2 * at, "%02x", (unsigned char)back[at]);
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"comm\": \"%s\", \"argc\": %d,"
        " \"in\": {\"main\": \"pause\"}}",
        getpid(), gettid(), shown, count);
    wait_for_ever();
}
