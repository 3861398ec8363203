"""How each kind of channel is reached. A transport is given a message and a destination, and knows no rows."""

from __future__ import annotations

from alerts.choices import ChannelKind
from alerts.transports import dingtalk, feishu, mail, webhook, wecom
from alerts.transports.base import Answer, Destination, Message, Send, SendFailed

SENDERS: dict[str, Send] = {
    ChannelKind.MAIL: mail.send,
    ChannelKind.WECOM: wecom.send,
    ChannelKind.DINGTALK: dingtalk.send,
    ChannelKind.FEISHU: feishu.send,
    ChannelKind.WEBHOOK: webhook.send,
}

__all__ = ["SENDERS", "Answer", "Destination", "Message", "SendFailed"]
