"""What leaves for each kind of channel: exact payloads and signatures, as the receivers document them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.core import mail

from alerts.transports import Destination, Message, SendFailed, dingtalk, feishu, webhook, wecom
from alerts.transports import http as http_transport
from alerts.transports import mail as mail_transport
from tests.alerts.conftest import Receiver

MESSAGE = Message(
    delivery_id="5f0c2b1e-0000-4000-8000-000000000001",
    subject="[Critical] No live quotes: sim",
    text='[Critical] No live quotes\nsim trades and no quote arrives <at user_id="all">everyone</at>',
    payload={"version": 1, "type": "alert", "alert": {"id": 7, "title": "行情"}},
)


def test_wecom_sends_a_text_message(receiver: Receiver) -> None:
    answer = wecom.send(MESSAGE, Destination(f"{receiver.url}/cgi-bin/webhook/send?key=693a91f6"))

    (request,) = receiver.received
    assert answer.code == 200
    assert request.path == "/cgi-bin/webhook/send?key=693a91f6"
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(request.body) == {"msgtype": "text", "text": {"content": MESSAGE.text}}


def test_wecom_text_longer_than_its_limit_is_cut_between_characters(receiver: Receiver) -> None:
    long = Message("id", "subject", "告" * 1000, {})

    wecom.send(long, Destination(f"{receiver.url}/send?key=k"))

    content = json.loads(receiver.received[0].body)["text"]["content"]
    assert len(content.encode()) <= 2048
    assert content == "告" * 681 + "…"


@pytest.mark.parametrize(("errcode", "retry"), [(93000, False), (45009, True), (-1, True)])
def test_wecom_refusal_in_a_200_answer_is_a_failure(receiver: Receiver, errcode: int, retry: bool) -> None:
    receiver.answer = json.dumps({"errcode": errcode, "errmsg": "no"}).encode()

    with pytest.raises(SendFailed, match=f"errcode {errcode}") as failure:
        wecom.send(MESSAGE, Destination(f"{receiver.url}/send?key=secret-key"))

    assert (failure.value.code, failure.value.retry) == (200, retry)


def test_dingtalk_signature_of_the_documented_example() -> None:
    secret, timestamp = "this is secret", 1_700_000_000_000
    wanted = hmac.new(b"this is secret", b"1700000000000\nthis is secret", hashlib.sha256).digest()

    assert dingtalk.sign(secret, timestamp) == base64.b64encode(wanted).decode()


def test_dingtalk_sends_a_signed_text_that_mentions_nobody(receiver: Receiver) -> None:
    before = time.time_ns() // 1_000_000
    dingtalk.send(MESSAGE, Destination(f"{receiver.url}/robot/send?access_token=t0ken", "SECabc+/="))

    (request,) = receiver.received
    query = parse_qs(urlsplit(request.path).query)
    timestamp = int(query["timestamp"][0])
    assert query["access_token"] == ["t0ken"]
    assert before <= timestamp <= time.time_ns() // 1_000_000
    assert query["sign"] == [dingtalk.sign("SECabc+/=", timestamp)]
    assert json.loads(request.body) == {
        "msgtype": "text",
        "text": {"content": MESSAGE.text},
        "at": {"isAtAll": False},
    }


def test_dingtalk_without_a_secret_sends_no_signature(receiver: Receiver) -> None:
    dingtalk.send(MESSAGE, Destination(f"{receiver.url}/robot/send?access_token=t0ken"))

    assert receiver.received[0].path == "/robot/send?access_token=t0ken"


def test_feishu_sends_timestamp_and_signature_in_the_body(receiver: Receiver) -> None:
    receiver.answer = b'{"code": 0, "msg": "success"}'

    feishu.send(MESSAGE, Destination(f"{receiver.url}/open-apis/bot/v2/hook/x", "demo secret"))

    body = json.loads(receiver.received[0].body)
    timestamp = body["timestamp"]
    wanted = hmac.new(f"{timestamp}\ndemo secret".encode(), b"", hashlib.sha256).digest()
    assert isinstance(timestamp, str)
    assert abs(int(timestamp) - time.time()) < 5
    assert body["sign"] == base64.b64encode(wanted).decode()
    assert body["msg_type"] == "text"


def test_feishu_text_cannot_ring_everybody(receiver: Receiver) -> None:
    receiver.answer = b'{"StatusCode": 0}'

    feishu.send(MESSAGE, Destination(f"{receiver.url}/open-apis/bot/v2/hook/x"))

    body = json.loads(receiver.received[0].body)
    assert body == {"msg_type": "text", "content": {"text": MESSAGE.text.replace("<", "＜").replace(">", "＞")}}


def test_feishu_refusal_is_a_failure(receiver: Receiver) -> None:
    receiver.answer = b'{"code": 19021, "msg": "sign match fail"}'

    with pytest.raises(SendFailed, match="code 19021") as failure:
        feishu.send(MESSAGE, Destination(f"{receiver.url}/hook/x", "wrong"))

    assert failure.value.retry is False


def test_webhook_is_signed_over_time_delivery_and_body(receiver: Receiver) -> None:
    receiver.status = 204
    receiver.answer = b""
    webhook.send(MESSAGE, Destination(f"{receiver.url}/hook", "0123456789abcdef"))

    (request,) = receiver.received
    timestamp, delivery = request.headers["X-Desk-Timestamp"], request.headers["X-Desk-Delivery"]
    signed = f"{timestamp}.{delivery}.".encode() + request.body
    wanted = hmac.new(b"0123456789abcdef", signed, hashlib.sha256).hexdigest()
    assert request.headers["X-Desk-Signature"] == f"v1={wanted}"
    assert delivery == MESSAGE.delivery_id
    assert json.loads(request.body) == MESSAGE.payload


def _request(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    return {
        "X-Desk-Timestamp": str(timestamp),
        "X-Desk-Delivery": "d1",
        "X-Desk-Signature": webhook.sign(secret, timestamp=timestamp, delivery="d1", body=body),
    }


@pytest.mark.parametrize(("age", "accepted"), [(0, True), (300, True), (301, False), (-301, False)])
def test_webhook_receiver_refuses_old_and_future_requests(age: int, accepted: bool) -> None:
    assert webhook.verify("secret", _request("secret", 1000, b"{}"), b"{}", now=1000 + age) is accepted


@pytest.mark.parametrize("changed", ["X-Desk-Timestamp", "X-Desk-Delivery", "X-Desk-Signature"])
def test_webhook_receiver_refuses_changed_headers(changed: str) -> None:
    headers = {**_request("secret", 1000, b"{}"), changed: "1001"}

    assert webhook.verify("secret", headers, b"{}", now=1000) is False


def test_webhook_receiver_refuses_a_changed_body() -> None:
    assert webhook.verify("secret", _request("secret", 1000, b"{}"), b"{ }", now=1000) is False


def test_mail_goes_to_one_address_with_its_delivery() -> None:
    mail_transport.send(MESSAGE, Destination("alice@example.org"))

    (sent,) = mail.outbox
    assert sent.to == ["alice@example.org"]
    assert sent.subject == "[Critical] No live quotes: sim"
    assert sent.body == MESSAGE.text
    assert sent.extra_headers["X-Desk-Delivery"] == MESSAGE.delivery_id


def test_http_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.location = 302, f"{receiver.url}/elsewhere"

    with pytest.raises(SendFailed, match="redirect") as failure:
        http_transport.post(f"{receiver.url}/hook", b"{}")

    assert (failure.value.code, failure.value.retry) == (302, False)
    assert [request.path for request in receiver.received] == ["/hook"]


@pytest.mark.parametrize(("status", "retry"), [(400, False), (401, False), (404, False), (429, True), (503, True)])
def test_http_refusals_say_whether_to_try_again(receiver: Receiver, status: int, retry: bool) -> None:
    receiver.status = status

    with pytest.raises(SendFailed) as failure:
        http_transport.post(f"{receiver.url}/hook", b"{}")

    assert (failure.value.code, failure.value.retry) == (status, retry)


def test_http_answer_is_read_up_to_its_limit(receiver: Receiver) -> None:
    receiver.answer = b"x" * 1_000_000

    answer = http_transport.post(f"{receiver.url}/hook", b"{}")

    assert len(answer.body) == http_transport.ANSWER_LIMIT


def test_http_slow_receiver_is_given_up(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_transport, "TOTAL_SECONDS", 0.2)
    receiver.drip_seconds = 1.0
    began = time.monotonic()

    with pytest.raises(SendFailed, match="no answer in time") as failure:
        http_transport.post(f"{receiver.url}/hook", b"{}")

    assert failure.value.retry is True
    assert time.monotonic() - began < 0.9


def test_http_nobody_there_says_so_without_the_address(receiver: Receiver) -> None:
    with pytest.raises(SendFailed) as failure:
        http_transport.post("http://127.0.0.1:9/robot?key=very-secret", b"{}")

    assert "very-secret" not in failure.value.reason
    assert failure.value.retry is True


def _self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate_path, key_path


@pytest.fixture
def tls_receiver(receiver: Receiver, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a receiver behind TLS, and its certificate."""
    certificate, key = _self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}/hook", certificate
    server.shutdown()
    thread.join()
    server.server_close()


class _Taker(BaseHTTPRequestHandler):
    """Takes everything."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Stay silent."""


def test_http_certificate_that_nobody_signed_is_refused(tls_receiver: tuple[str, Path]) -> None:
    with pytest.raises(SendFailed, match="certificate is not valid") as failure:
        http_transport.post(tls_receiver[0], b"{}")

    assert failure.value.retry is False


def test_http_certificate_of_a_known_authority_is_accepted(
    tls_receiver: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificate = tls_receiver
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert http_transport.post(url, b"{}").status == 204
