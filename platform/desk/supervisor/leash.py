"""Run a command that ends when its parent ends. Standard library only; started as a script.

``python -I -S leash.py PARENT_PID COMMAND...``

On Linux the kernel does it (PR_SET_PDEATHSIG survives the exec, so the process id is the
command's own). Elsewhere this process stays, waits for the lifeline (standard input, a pipe whose
other end only the parent holds) to close, and kills the command.

The signal is SIGKILL: a parent that died cannot order a graceful stop any more, and every part is
built to survive exactly this.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1
PARENT_GONE = 75  # EX_TEMPFAIL


def _exec_tied(parent: int, command: list[str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # The parent may have died before the call above: then nobody would ever send the signal.
    if os.getppid() != parent:
        sys.exit(PARENT_GONE)
    os.execvp(command[0], command)


def _run_watched(command: list[str]) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def watch() -> None:
        while os.read(0, 4096):
            pass
        child.kill()

    if hasattr(signal, "SIGBREAK"):
        # Windows sends Ctrl-Break to the whole group: the command hears it by itself.
        signal.signal(signal.SIGBREAK, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda signum, _frame: child.send_signal(signum))
    threading.Thread(target=watch, daemon=True).start()
    return child.wait()


def main() -> int:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform.startswith("linux"):
        _exec_tied(parent, command)
    return _run_watched(command)


if __name__ == "__main__":
    sys.exit(main())
