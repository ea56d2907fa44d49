"""Mail: one plain text to one person, through the operator's server. Without a server nothing is sent."""

from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog
from pydantic import SecretStr

log = structlog.get_logger()

SECONDS = 10.0
PORTS = {"smtp": 25, "smtps": 465}


class Mailer:
    """Sends through `smtp://` (upgraded by STARTTLS where the server offers it) or `smtps://`."""

    def __init__(self, server: SecretStr | None, sender: str) -> None:
        self._server, self._sender = server, sender

    async def send(self, to: str, subject: str, text: str) -> bool:
        """Whether the server took it. A failure is logged, without address and text."""
        if self._server is None:
            return False
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, to, subject
        message.set_content(text)
        parts = urlsplit(self._server.get_secret_value())
        try:
            await aiosmtplib.send(
                message,
                hostname=parts.hostname,
                port=parts.port or PORTS[parts.scheme],
                username=unquote(parts.username) if parts.username else None,
                password=unquote(parts.password) if parts.password else None,
                use_tls=parts.scheme == "smtps",
                timeout=SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            log.warning("mail was not taken", error=type(error).__name__)
            return False
        return True
