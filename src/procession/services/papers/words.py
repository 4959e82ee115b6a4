"""The words of the page that tells who signed, by language. A language that is missing is English."""

from __future__ import annotations

from typing import Final, NamedTuple

RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})


class Words(NamedTuple):
    """The words of one language."""

    title: str
    document: str
    signed_by: str
    when: str
    identified: str
    address: str
    device: str
    before: str
    after: str
    reason: str
    note: str


WORDS: Final[dict[str, Words]] = {
    "en": Words(
        "Signature record", "Document", "Signed by", "When", "Identified by", "Address", "Device",
        "SHA-256 of the document before signing", "SHA-256 of the document with the signatures, before this page",
        "Reason", "A digital seal covers all pages of this document. If it was changed since, the seal is broken.",
    ),
    "de": Words(
        "Unterschriftenprotokoll", "Dokument", "Unterschrieben von", "Wann", "Identifiziert durch", "Adresse", "Gerät",
        "SHA-256 des Dokuments vor der Unterschrift", "SHA-256 des Dokuments mit den Unterschriften, ohne diese Seite",
        "Grund", "Ein digitales Siegel umfasst alle Seiten dieses Dokuments. Wurde es seither geändert, ist das Siegel "
        "gebrochen.",
    ),
    "fr": Words(
        "Registre des signatures", "Document", "Signé par", "Quand", "Identification", "Adresse", "Appareil",
        "SHA-256 du document avant la signature", "SHA-256 du document signé, avant cette page", "Motif",
        "Un cachet numérique couvre toutes les pages de ce document. S’il a été modifié depuis, le cachet est rompu.",
    ),
    "es": Words(
        "Registro de firmas", "Documento", "Firmado por", "Cuándo", "Identificación", "Dirección", "Dispositivo",
        "SHA-256 del documento antes de la firma", "SHA-256 del documento firmado, antes de esta página", "Motivo",
        "Un sello digital cubre todas las páginas de este documento. Si se modificó después, el sello está roto.",
    ),
    "it": Words(
        "Registro delle firme", "Documento", "Firmato da", "Quando", "Identificazione", "Indirizzo", "Dispositivo",
        "SHA-256 del documento prima della firma", "SHA-256 del documento firmato, prima di questa pagina", "Motivo",
        "Un sigillo digitale copre tutte le pagine di questo documento. Se è stato modificato, il sigillo è rotto.",
    ),
    "he": Words(
        "תיעוד חתימות", "מסמך", "נחתם על ידי", "מתי", "אופן הזיהוי", "כתובת", "מכשיר",
        "SHA-256 של המסמך לפני החתימה", "SHA-256 של המסמך החתום, לפני דף זה", "סיבה",
        "חותם דיגיטלי מכסה את כל דפי המסמך. אם המסמך שונה לאחר מכן, החותם שבור.",
    ),
    "ar": Words(
        "سجل التوقيعات", "المستند", "وقّعه", "الوقت", "طريقة التعريف", "العنوان", "الجهاز",
        "بصمة SHA-256 للمستند قبل التوقيع", "بصمة SHA-256 للمستند الموقّع قبل هذه الصفحة", "السبب",
        "يغطي ختم رقمي جميع صفحات هذا المستند. إذا تغيّر المستند بعد ذلك فالختم مكسور.",
    ),
}  # fmt: skip


def words_of(language: str) -> tuple[str, Words]:
    """(language, its words): of `de-AT` those of `de`."""
    plain = language.replace("_", "-").partition("-")[0].lower()
    return (plain, WORDS[plain]) if plain in WORDS else ("en", WORDS["en"])
