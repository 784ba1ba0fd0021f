"""What a program can reach: through the proxy that its environment names, and past it."""

import socket
import urllib.error
import urllib.request


def reach_out(host: str) -> str:
    """Try to reach a host."""
    try:
        with urllib.request.urlopen(f"http://{host}/", timeout=5) as answer:
            through = f"answered {answer.status}"
    except urllib.error.HTTPError as error:
        through = f"refused {error.code}: {error.read().decode()}"
    except OSError as error:
        through = f"failed: {error}"
    try:
        with socket.create_connection((host, 80), timeout=5):
            past = "connected"
    except OSError as error:
        past = f"failed: {error}"
    return f"through the proxy {through}, past it {past}"
