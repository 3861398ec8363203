"""Feishu group robot (飞书自定义机器人) with signature (签名校验).

Format: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot — POST JSON to
``https://open.feishu.cn/open-apis/bot/v2/hook/…``; with a secret the body carries `timestamp` (seconds, as
text) and `sign`: the Base64 of HMAC-SHA256 over nothing, with ``<timestamp>\\n<secret>`` as key. The answer
is ``{"code": 0, "msg": "success"}``. Feishu refuses timestamps more than an hour off.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

from alerts.transports.base import Answer, Destination, Message, SendFailed
from alerts.transports.http import post_json
from alerts.transports.text import cut_bytes

TEXT_BYTES = 15_000
#: 9499 and 11232: too many messages.
RETRYABLE = frozenset({9499, 11232})


def sign(secret: str, timestamp: int) -> str:
    """The signature that stands in the body."""
    digest = hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def send(message: Message, destination: Destination) -> Answer:
    """Send the notice as text; its brackets are replaced, because `<at …>` would ring everybody."""
    text = cut_bytes(message.text, TEXT_BYTES).replace("<", "＜").replace(">", "＞")
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
    if destination.secret:
        timestamp = int(time.time())
        body = {"timestamp": str(timestamp), "sign": sign(destination.secret, timestamp), **body}
    answer = post_json(destination.address, body)
    content = answer.json()
    code = content.get("code", content.get("StatusCode"))
    if code != 0:
        raise SendFailed(f"Feishu answers code {code!r:.20}", code=answer.status, retry=code in RETRYABLE)
    return Answer(answer.status)
