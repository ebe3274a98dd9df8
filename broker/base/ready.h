/* ready.h - telling the supervisor: ready, alive, stopping.
 *
 * Use        ready_notify() once everything is open and bound; ready_watchdog() from the loop;
 *            ready_stopping() when told to stop. Each does nothing without a supervisor.
 * Formats    systemd: a datagram to $NOTIFY_SOCKET (sd_notify(3), written by hand: three lines
 *            do not need a library); s6: "\n" on the descriptor that $NOTIFY_FD names, which is
 *            then closed.
 * Threads    One. */
#ifndef USHER_READY_H
#define USHER_READY_H

void ready_notify(void);
void ready_stopping(void);

/* Sends a keep-alive when at least half of $WATCHDOG_USEC has passed since the last one. */
void ready_watchdog(void);

#endif
