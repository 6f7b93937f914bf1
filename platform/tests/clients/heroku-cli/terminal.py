"""Runs a command on a terminal of its own, where ANSWERS (lines of `PROMPT: ANSWER`) are typed as it asks; says what it says after the last answer."""

import os
import pty
import re
import sys
import time

answers = [line.split(": ", 1) for line in os.environ.pop("ANSWERS").splitlines()]
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
said = ""
while True:
    try:
        read = os.read(terminal, 4096)
    except OSError:
        # That is how the end of a terminal is told on Linux.
        break
    said += read.decode("utf-8", "replace")
    if answers and answers[0][0] in said:
        said = ""
        # As people type: not before it listens, and the key that ends a line for itself, which version 8 insists on.
        for keys in (answers.pop(0)[1].encode(), b"\r"):
            time.sleep(0.3)
            os.write(terminal, keys)
# Without what moves the cursor, and the line of the last prompt, which is drawn once more for each character.
plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said).replace("\r", "")
print(plain.partition("\n")[2])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
