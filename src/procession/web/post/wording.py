"""What stands in a message, in the languages that the player has. Data only."""

from __future__ import annotations

from typing import Final, NamedTuple

from procession.forms.languages import direction
from procession.services.journeys.ports import Letter


class Words(NamedTuple):
    """The subjects with a code and with a link alone, the line with the code, the line before the link, and that nobody
    may be told."""

    subject: str
    invitation: str
    code: str
    link: str
    secret: str


_WORDS: Final = {
    "en": Words(
        "Your code",
        "Your link",
        "Your code is {code}. It is valid for 10 minutes.",
        "Go on here:",
        "Tell nobody. If you did not ask for it, do nothing.",
    ),
    "de": Words(
        "Ihr Code",
        "Ihr Link",
        "Ihr Code ist {code}. Er gilt 10 Minuten.",
        "Hier geht es weiter:",
        "Sagen Sie ihn niemandem. Wenn Sie ihn nicht angefordert haben, müssen Sie nichts tun.",
    ),
    "fr": Words(
        "Votre code",
        "Votre lien",
        "Votre code est {code}. Il est valable 10 minutes.",
        "Continuez ici :",
        "Ne le communiquez à personne. Si vous ne l'avez pas demandé, ne faites rien.",
    ),
    "es": Words(
        "Su código",
        "Su enlace",
        "Su código es {code}. Es válido durante 10 minutos.",
        "Continúe aquí:",
        "No se lo diga a nadie. Si no lo ha pedido, no haga nada.",
    ),
    "he": Words(
        "הקוד שלך",
        "הקישור שלך",
        "הקוד שלך הוא {code}. הוא תקף ל-10 דקות.",
        "המשך כאן:",
        "אין למסור אותו לאיש. אם לא ביקשת אותו, אין צורך לעשות דבר.",
    ),
    "ar": Words(
        "رمزك",
        "رابطك",
        "رمزك هو {code}. وهو صالح لمدة 10 دقائق.",
        "تابع من هنا:",
        "لا تخبر به أحدا. إذا لم تطلبه فلا تفعل شيئا.",
    ),
}


def words_of(language: str) -> Words:
    """The words of a language, or English ones."""
    return _WORDS.get(language.split("-", maxsplit=1)[0].lower(), _WORDS["en"])


def text_of(letter: Letter) -> str:
    """The whole text of a message."""
    words = words_of(letter.language)
    lines = [words.code.format(code=letter.code)] if letter.code else []
    if letter.link:
        lines += [
            f"{words.link} {letter.link}" if direction(letter.language) == "ltr" else f"{words.link}\n{letter.link}"
        ]
    return "\n\n".join([*lines, words.secret] if letter.code else lines) + "\n"
