#!/usr/bin/env python3
"""Listens, and runs a daemon that is passed the socket, as systemd does (sd_listen_fds(3)).

usage: activate.py LISTEN COMMAND…

Upon SIGUSR1 it restarts the daemon: SIGTERM, wait, start. The socket stays, as that of
a .socket unit does. Upon SIGTERM both end.
"""
import os
import signal
import socket
import subprocess
import sys

FIRST = 3  # SD_LISTEN_FDS_START


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    listener = socket.create_server((host, int(port)), backlog=4096)
    signals = {signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    def start():
        # The shell knows its own id, which the daemon compares.
        script = 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"'
        return subprocess.Popen(["/bin/sh", "-c", script, "sh", *sys.argv[2:]], pass_fds=[FIRST],
                                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, signals))

    if listener.fileno() != FIRST:
        os.dup2(listener.fileno(), FIRST)
        listener.detach()
    os.set_inheritable(FIRST, True)
    daemon = start()
    while True:
        number = signal.sigwait(signals)
        if number == signal.SIGCHLD:
            if daemon.poll() is not None:
                return 1
            continue
        daemon.terminate()
        daemon.wait()
        if number == signal.SIGTERM:
            return 0
        daemon = start()


sys.exit(main())
