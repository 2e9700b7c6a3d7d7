"""The reverse proxy of the docs: nginx takes the file, and requests go through it as it says."""

import http.client
import re
import shutil
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .conftest import free_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
CONFIGURATION = Path(__file__).resolve().parents[3] / "docs" / "deploy" / "nginx.conf"
BURST = 30
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


class Echo(BaseHTTPRequestHandler):
    """Answer with the headers that came."""

    def do_GET(self) -> None:
        said = "\n".join(f"{name}: {value}" for name, value in self.headers.items()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *words: object) -> None:
        pass


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for the host of the docs that nobody but this test trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "joint.example.org")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "cert.key").write_bytes(secret)
    return folder / "cert.pem", folder / "cert.key"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run nginx with the file of the docs: only ports, limits, certificate and place are the test's own."""
    folder = tmp_path_factory.mktemp("nginx")
    backend = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    pem, key = certificate(folder)
    plain, secure = free_port(), free_port()
    text = CONFIGURATION.read_text(encoding="utf-8")
    for old, new in (
        ("127.0.0.1:5000;", f"127.0.0.1:{backend.server_port};"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl", f"listen 127.0.0.1:{secure} ssl"),
        ("rate=20r/s", "rate=1r/s"),
        ("burst=200", f"burst={BURST + 20}"),  # the requests of the other tests count too
        ("/etc/ssl/joint.example.org.pem", str(pem)),
        ("/etc/ssl/private/joint.example.org.key", str(key)),
    ):
        assert old in text
        text = text.replace(old, new)
    own = " ".join(
        f"{part}_temp_path {folder}/{part};" for part in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;\n"
        f"events {{}}\nhttp {{ access_log off; {own}\n{text}\n}}\n",
        encoding="utf-8",
    )
    folder.chmod(0o755)
    checked = subprocess.run([NGINX, "-t", "-c", str(main)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    server = subprocess.Popen([NGINX, "-c", str(main)], stderr=subprocess.DEVNULL)
    try:
        yield f"https://127.0.0.1:{secure}"
    finally:
        server.terminate()
        server.wait(timeout=30)
        backend.shutdown()
        backend.server_close()


def ask(address: str, **headers: str) -> tuple[int, str]:
    """Ask through the proxy without trusting its certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    request = urllib.request.Request(address, headers={"Host": "joint.example.org", **headers})
    for _ in range(50):
        try:
            with opener.open(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, ""
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError("nginx did not answer")


def test_the_visitors_address_cannot_be_claimed(proxy: str) -> None:
    """MLflow trusts 127.0.0.1 for some things; the proxy says who really asks."""
    status, said = ask(f"{proxy}/api/2.0/mlflow/runs/search", **{"X-Forwarded-For": "10.9.9.9", "Forwarded": "for=1"})
    assert status == 200
    assert re.findall(r"(?im)^x-forwarded-for: (.*)$", said) == ["127.0.0.1"]
    assert "10.9.9.9" not in said
    assert re.findall(r"(?im)^host: (.*)$", said) == ["joint.example.org"]


@pytest.mark.parametrize("path", ["/ajax-api/3.0/mlflow/assistant/message", "/gateway/x", "/signup", "/v1/traces"])
def test_closed(proxy: str, path: str) -> None:
    assert ask(proxy + path)[0] == 403


def test_limit(proxy: str) -> None:
    """A burst passes, a flood is told to wait."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host = proxy.removeprefix("https://")
    with closing(http.client.HTTPSConnection(host, context=context, timeout=10)) as line:
        statuses = []
        for _ in range(BURST + 60):
            line.request("GET", "/flood", headers={"Host": "joint.example.org"})
            answer = line.getresponse()
            answer.read()
            statuses.append(answer.status)
    assert statuses[:BURST] == [200] * BURST
    assert set(statuses) == {200, 429}
