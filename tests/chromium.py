"""Debian's chromium without a window, told what to do over a pipe (the DevTools protocol).

Commands and answers are JSON texts with a zero byte after each, on the file descriptors 3 and 4 of
the browser: no driver, no port, no library.
"""

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import time

PATH = shutil.which("chromium")

FLAGS = """
    --headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars
    --disable-dev-shm-usage
    --disable-background-networking --disable-component-update --disable-sync
    --remote-debugging-pipe
""".split()


class Browser:
    """One browser with one page.

    Attributes
    ----------
    problems : list of str
        Console errors and warnings, exceptions, and what the browser logged.
    requests : list of str
        Addresses that the pages asked for.
    """

    def __init__(self, profile, width=1280, height=900):
        ours, theirs = os.pipe(), os.pipe()
        # high numbers first, so that neither 3 nor 4 is overwritten before it is copied
        get = fcntl.fcntl(ours[0], fcntl.F_DUPFD, 10)
        put = fcntl.fcntl(theirs[1], fcntl.F_DUPFD, 10)
        self.process = subprocess.Popen(
            [PATH, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(3, 4),
            preexec_fn=lambda: (os.dup2(get, 3), os.dup2(put, 4)),
        )
        for fd in (ours[0], theirs[1], get, put):
            os.close(fd)
        self.put, self.get = ours[1], theirs[0]
        self.numbers, self.rest, self.session = itertools.count(1), b"", None
        self.problems, self.requests, self.loaded = [], [], False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self.put)
            os.close(self.get)

    def message(self, deadline):
        """The next message of the browser."""
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.get], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("chromium: no answer")
            some = os.read(self.get, 1 << 16)
            if not some:
                raise ConnectionError("chromium: ended")
            self.rest += some
        text, _, self.rest = self.rest.partition(b"\0")
        return json.loads(text)

    def note(self, message):
        """Keep what an event says."""
        event, facts = message.get("method"), message.get("params", {})
        if event == "Runtime.exceptionThrown":
            self.problems.append(str(facts["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and facts["type"] in ("error", "warning"):
            self.problems.append(str(facts["args"]))
        elif event == "Log.entryAdded":
            self.problems.append(str(facts["entry"]))
        elif event == "Network.requestWillBeSent":
            self.requests.append(facts["request"]["url"])
        elif event == "Page.loadEventFired":
            self.loaded = True

    def call(self, method, timeout=60, **parameters):
        """Have the browser do something; what it answers."""
        number = next(self.numbers)
        command = {"id": number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.put, json.dumps(command).encode() + b"\0")
        deadline = time.monotonic() + timeout
        while True:
            message = self.message(deadline)
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"chromium: {method}: {message['error']}")
                return message["result"]
            self.note(message)

    def resize(self, width, height, scale=1):
        """A window, or a telephone's screen where it is narrow."""
        narrow = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=narrow,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=narrow)

    def open(self, path, timeout=60):
        """Load a file and wait until it is there."""
        self.loaded = False
        self.call("Page.navigate", url=f"file://{path}")
        deadline = time.monotonic() + timeout
        while not self.loaded:
            self.note(self.message(deadline))

    def ask(self, expression):
        """The value of a JavaScript expression; a promise's, where it is one."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, condition, timeout=60):
        """Wait until a JavaScript expression is true."""
        deadline = time.monotonic() + timeout
        while not self.ask(condition):
            assert time.monotonic() < deadline, f"chromium: never {condition}"
            time.sleep(0.05)

    def press(self, key, code):
        """Press and release a key."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code
            )

    def tap(self, selector):
        """Touch the middle of an element."""
        x, y = self.ask(
            f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView("
            "{block: 'end', behavior: 'instant'}); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def picture(self, path, whole=True):
        """Save what is seen as PNG."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
