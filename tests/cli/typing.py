"""Types on a terminal, for tests of what only happens there.

    typing.py COMMAND KEYS...

Runs COMMAND (by sh) on a terminal of its own, 80 x 24. Types each KEYS, in which Python's escapes
stand for bytes, when something has come since the ones before and a prompt ("... > ") stands at its
end, with nothing behind it if a line was entered or dropped; what is typed while a command runs may
be lost. With a ! in front, KEYS are typed in the middle of what a command prints, when 1000 bytes of
it have come (a terminal that nobody reads holds it up). At the end Ctrl-D.
Prints what the terminal got, without carriage returns, and ends as COMMAND did; with 99 when
there was no prompt, or no end, for a minute.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 60
QUIET = 0.15

command, keys = sys.argv[1], sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execvp("sh", ["sh", "-c", command])
seen = b""


def give_up():
    sys.stdout.buffer.write(seen.replace(b"\r", b"") + b"\n(typing.py gave up)\n")
    os.kill(pid, signal.SIGKILL)
    sys.exit(99)


def read(seconds):
    """Something that the terminal got; b"": nothing in that time; None: it is closed."""
    global seen
    if not select.select([terminal], [], [], seconds)[0]:
        return b""
    try:
        data = os.read(terminal, 65536)
    except OSError:  # what Linux says when the other end is gone
        return None
    seen += data
    return data or None


# What stands at the end when the next line can be typed. An editor takes a dropped line off its own.
PROMPT = {"\\n": rb"> (\x1b\[K)?$", "\\x03": rb"(> |\x1b\[K)$"}


def wait_for_prompt(typed, before):
    prompt = next((PROMPT[end] for end in PROMPT if typed.endswith(end)), None)
    end = time.time() + PATIENCE
    while time.time() < end:
        data = read(QUIET)
        if data is None:
            return
        if data or len(seen) == before:
            continue
        if re.search(prompt, seen[before:]) if prompt else re.search(rb"> [^\n]*$", seen):
            return
    give_up()


def wait_for_output(before):
    end = time.time() + PATIENCE
    while len(seen) < before + 1000:
        if time.time() > end:
            give_up()
        if read(QUIET) is None:
            return


def type_in(text):
    try:
        os.write(terminal, text.encode("latin-1").decode("unicode_escape").encode("latin-1"))
    except OSError:
        pass  # it has ended: its status tells


typed, before = "\\n", 0
for text in keys + ["\\x04"]:
    if text.startswith("!"):
        wait_for_output(before)
        text = text[1:]
    else:
        wait_for_prompt(typed, before)
    before = len(seen)
    type_in(text)
    typed = text
end = time.time() + PATIENCE
while read(1) is not None:
    if time.time() > end:
        give_up()
sys.stdout.buffer.write(seen.replace(b"\r", b""))
sys.stdout.flush()
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
