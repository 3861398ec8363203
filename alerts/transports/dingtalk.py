"""DingTalk group robot (钉钉自定义机器人) with signature (加签).

Format: https://open.dingtalk.com/document/robots/custom-robot-access and
https://open.dingtalk.com/document/robots/customize-robot-security-settings — POST JSON to
``https://oapi.dingtalk.com/robot/send?access_token=…&timestamp=<ms>&sign=…``, where sign is the
URL-quoted Base64 of HMAC-SHA256 with the secret as key over ``<timestamp>\\n<secret>``; the answer is
``{"errcode": 0, "errmsg": "ok"}``. DingTalk refuses timestamps more than an hour off.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from urllib.parse import quote_plus

from alerts.transports.base import Answer, Destination, Message, SendFailed
from alerts.transports.http import post_json
from alerts.transports.text import cut_bytes

TEXT_BYTES = 15_000
#: -1: busy; 130101 and 410100: more than 20 messages a minute.
RETRYABLE = frozenset({-1, 130101, 410100})


def sign(secret: str, timestamp_ms: int) -> str:
    """The signature as it stands in the address, before quoting."""
    digest = hmac.new(secret.encode(), f"{timestamp_ms}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def signed_url(address: str, secret: str, timestamp_ms: int) -> str:
    """The address with timestamp and signature; unchanged without a secret (keyword or IP rules)."""
    if not secret:
        return address
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}timestamp={timestamp_ms}&sign={quote_plus(sign(secret, timestamp_ms))}"


def send(message: Message, destination: Destination) -> Answer:
    """Send the notice as plain text that mentions nobody."""
    url = signed_url(destination.address, destination.secret, time.time_ns() // 1_000_000)
    body = {
        "msgtype": "text",
        "text": {"content": cut_bytes(message.text, TEXT_BYTES)},
        "at": {"isAtAll": False},
    }
    answer = post_json(url, body)
    code = answer.json().get("errcode")
    if code != 0:
        raise SendFailed(f"DingTalk answers errcode {code!r:.20}", code=answer.status, retry=code in RETRYABLE)
    return Answer(answer.status)
