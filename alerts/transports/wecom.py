"""WeCom group robot (企业微信群机器人).

Format: https://developer.work.weixin.qq.com/document/path/91770 — POST JSON to
``https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…``; text of at most 2,048 bytes; the answer is
``{"errcode": 0, "errmsg": "ok"}``. The key in the address is the only credential; 20 messages a minute.
"""

from __future__ import annotations

from alerts.transports.base import Answer, Destination, Message, SendFailed
from alerts.transports.http import post_json
from alerts.transports.text import cut_bytes

TEXT_BYTES = 2048
#: 45009: more than 20 messages a minute; -1: the service is busy.
RETRYABLE = frozenset({-1, 45009})


def send(message: Message, destination: Destination) -> Answer:
    """Send the notice as plain text; nobody can be mentioned by what it contains."""
    body = {"msgtype": "text", "text": {"content": cut_bytes(message.text, TEXT_BYTES)}}
    answer = post_json(destination.address, body)
    code = answer.json().get("errcode")
    if code != 0:
        raise SendFailed(f"WeCom answers errcode {code!r:.20}", code=answer.status, retry=code in RETRYABLE)
    return Answer(answer.status)
