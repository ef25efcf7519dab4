"""The first process of an isolated root: starts what it is told on standard input, and tells on standard output what
comes of it. Both are lines of JSON, with bytes in base64. It is never stopped itself, and ends with its input."""
import base64, collections, fcntl, json, os, pty, selectors, signal, struct, subprocess, sys, termios

CHUNK = 32768
selector = selectors.DefaultSelector()
processes = {}
stopped = []


def tell(**event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


class Started:
    def __init__(self, key, user, group, argv, env, cwd, stdin, size):
        self.key, self.writes, self.closing, self.code = key, collections.deque(), False, None
        who = dict(user=user, group=group, extra_groups=[group]) if os.geteuid() == 0 else {}
        if size:
            master, slave = pty.openpty()
            resize(slave, size)
            owned(slave, user)
            take = lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            pipes = dict(stdin=slave, stdout=slave, stderr=slave, preexec_fn=take)
        else:
            pipes = dict(stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            self.child = subprocess.Popen(argv, env=env, cwd=cwd, start_new_session=True, bufsize=0, **pipes, **who)
        except OSError:
            if size:
                os.close(master)
            raise
        finally:
            if size:
                os.close(slave)
        if size:
            self.outputs, self.input, self.terminal = {"pty": master}, os.dup(master), master
        else:
            self.outputs = {"stdout": self.child.stdout.fileno(), "stderr": self.child.stderr.fileno()}
            self.input, self.terminal = self.child.stdin.fileno() if stdin else None, None
        for fd in [*self.outputs.values(), *([] if self.input is None else [self.input])]:
            os.set_blocking(fd, False)
        self.flow(True)

    def flow(self, on):
        for name, fd in self.outputs.items():
            if on and fd not in selector.get_map():
                selector.register(fd, selectors.EVENT_READ, (self.read, name))
            if not on and fd in selector.get_map():
                selector.unregister(fd)

    def read(self, name):
        fd = self.outputs[name]
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            return tell(key=self.key, event="data", stream=name, bytes=base64.b64encode(data).decode())
        selector.unregister(fd)
        del self.outputs[name]

    def write(self, id, data):
        if self.input is None or self.closing:
            return tell(id=id, error="stdin is not open")
        self.writes.append([id, data])
        self.flush(None)

    def flush(self, _):
        while self.writes:
            id, data = self.writes[0]
            try:
                count = os.write(self.input, data) if data else 0
            except BlockingIOError:
                if self.input not in selector.get_map():
                    selector.register(self.input, selectors.EVENT_WRITE, (self.flush, None))
                return
            except OSError as error:
                self.writes.popleft()
                tell(id=id, error=f"error writing to stdin: {error.strerror}")
                continue
            self.writes[0][1] = data[count:]
            if count == len(data):
                self.writes.popleft()
                tell(id=id)
        self.shut()

    def shut(self):
        if self.input is not None and self.input in selector.get_map():
            selector.unregister(self.input)
        if self.closing and self.input is not None:
            if self.terminal is None:
                self.child.stdin.close()
            else:
                os.close(self.input)
            self.input = None

    def over(self):
        if self.code is None:
            self.code = self.child.poll()
        return self.code is not None and not self.outputs

    def end(self):
        for id, _ in self.writes:
            tell(id=id, error="the process has ended")
        self.writes.clear()
        self.closing = True
        self.shut()
        if self.terminal is not None:
            os.close(self.terminal)
        tell(key=self.key, event="end", code=self.code)


def resize(fd, size):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))


def owned(fd, user):
    if os.geteuid() == 0:
        os.fchown(fd, user, -1)


def others():
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in (1, os.getpid()):
            try:
                with open(f"/proc/{name}/stat") as file:
                    yield int(name), file.read().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue


def freeze():
    """What was stopped already stays so afterwards."""
    known = {pid for pid, state in others() if state in "TZX"}
    while True:
        running = [pid for pid, state in others() if state not in "TZX"]
        if not running:
            return
        for pid in running:
            try:
                os.kill(pid, signal.SIGSTOP)
            except OSError:
                continue
            if pid not in known:
                known.add(pid)
                stopped.append(pid)


def thaw():
    for pid in stopped:
        try:
            os.kill(pid, signal.SIGCONT)
        except OSError:
            continue
    stopped.clear()


def act(id, do, key=None, **given):
    one = processes.get(key)
    if do == "start":
        one = processes[key] = None
        try:
            one = processes[key] = Started(key, **given)
        except (OSError, ValueError) as error:
            del processes[key]
            return tell(id=id, error=str(error), missing=getattr(error, "filename", None))
        return tell(id=id, pid=one.child.pid)
    if do in ("freeze", "thaw"):
        {"freeze": freeze, "thaw": thaw}[do]()
        return tell(id=id)
    if one is None:
        return tell(id=id, error="not found")
    if do == "write":
        return one.write(id, base64.b64decode(given["bytes"]))
    if do == "close":
        one.closing = True
        one.flush(None)
    elif do == "signal" and one.code is None:
        one.child.send_signal(given["signal"])
    elif do == "resize":
        resize(one.terminal, given["size"])
    elif do == "flow":
        one.flow(given["on"])
    tell(id=id)


def main():
    tell(event="ready")
    commands = b""
    os.set_blocking(0, False)
    selector.register(0, selectors.EVENT_READ, None)
    while True:
        waiting = any(one.code is None and not one.outputs for one in processes.values())
        for key, _ in selector.select(0.005 if waiting else 0.2 if processes else None):
            if key.data:
                call, argument = key.data
                if key.fd in selector.get_map():
                    call(argument)
                continue
            data = os.read(0, 1 << 20)
            if not data:
                return
            *lines, commands = (commands + data).split(b"\n")
            for line in lines:
                act(**json.loads(line))
        for key, one in list(processes.items()):
            if one.over():
                del processes[key]
                one.end()


main()
