"""What each kind of form asks for: a recipe of steps, from top to bottom."""

from __future__ import annotations

from typing import NamedTuple


class Step(NamedTuple):
    """One part of a form.

    ``what`` names the method of ``page`` that draws it, ``section`` the heading's words, ``names`` the
    fields, tables or option sets to choose ``low`` to ``high`` of; ``chance`` is how often it is there.
    """

    what: str
    section: str = ""
    names: tuple[str, ...] = ()
    low: int = 3
    high: int = 8
    chance: float = 1.0


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_PERSON = _names(
    "name family_name given_name former_name sex birth_date age birth_place nationality ethnicity political"
    " marital id_type id_number passport education occupation employer department job job_title work_years"
)
_BODY = _names("height weight blood_type health")
_PATIENT = _names(
    "name family_name given_name former_name sex birth_date age nationality ethnicity marital id_number"
    " occupation employer"
)
_TAXPAYER = _names(
    "name family_name given_name birth_date nationality marital id_type id_number occupation employer"
)
_CONTACT = _names(
    "address street postcode city region country phone mobile fax email contact emergency emergency_phone"
    " relationship website"
)
_COMPANY = _names(
    "company legal_person tax_number register_number capital founded company_type industry staff scope"
    " address contact phone fax website"
)
_BANK = _names("bank branch account_name account_number iban swift currency")
_SCHOOLING = _names("school major degree graduation education languages skills hobbies")
_HEADS = _names("number date department handler reference")

PERSONAL = Step("fields", "personal", _PERSON, 5, 12)
PERSONAL_AND_BODY = Step("fields", "personal", _PERSON + _BODY, 6, 13)
CONTACT = Step("fields", "contact", _CONTACT, 3, 8)
BANK = Step("fields", "bank", _BANK, 3, 6)
NOTES = Step("notes", chance=0.7)
DECLARATION = Step("declaration", chance=0.6)
OFFICE = Step("fields", "office", _names("number date handler checker opinion remarks"), 2, 5, 0.4)
SIGN = Step(
    "sign", names=_names("signature_applicant sign_date signature_manager sign_place signature_office")
)

RECIPES: dict[str, tuple[Step, ...]] = {
    "application": (
        Step("fields", "", _HEADS, 1, 3, 0.4),
        PERSONAL,
        CONTACT,
        Step("choices", "request", _names("request_type delivery_method applicant_type"), 1, 2, 0.5),
        Step("fields", "request", _names("start_date end_date amount purpose reason"), 2, 4),
        Step("fields", "company", _COMPANY, 3, 8, 0.25),
        Step("table", "family", _names("family"), chance=0.45),
        Step("fields", "education", _SCHOOLING, 2, 5, 0.35),
        Step("choices", "other", _names("yes_no yes_no marital housing urgency"), 1, 3, 0.5),
        BANK._replace(chance=0.35),
        Step("table", "documents", _names("documents"), chance=0.35),
        OFFICE,
        NOTES,
        DECLARATION,
        SIGN,
    ),
    "job": (
        Step("fields", "request", _names("position department start_date salary number date"), 2, 5, 0.8),
        PERSONAL_AND_BODY,
        CONTACT,
        Step("table", "education", _names("education"), chance=0.7),
        Step("table", "work", _names("work jobs"), chance=0.8),
        Step("table", "family", _names("family"), chance=0.35),
        Step("table", "skills", _names("skills languages"), chance=0.4),
        Step("fields", "education", _SCHOOLING, 2, 5, 0.4),
        Step("choices", "other", _names("work_time source yes_no yes_no marital"), 1, 3, 0.6),
        Step("fields", "other", _names("award resume skills remarks"), 1, 3, 0.6),
        OFFICE,
        NOTES,
        DECLARATION,
        SIGN,
    ),
    "registration": (
        Step("fields", "", _HEADS, 1, 3, 0.4),
        Step(
            "fields", "event", _names("event period participants arrival departure room amount"), 2, 5, 0.55
        ),
        PERSONAL_AND_BODY,
        CONTACT,
        Step(
            "fields", "guardian", _names("guardian guardian_phone relationship address employer"), 2, 4, 0.35
        ),
        Step(
            "fields",
            "vehicle",
            _names("plate brand vin engine colour first_registration"),
            3,
            6,
            0.25,
        ),
        Step("fields", "company", _COMPANY, 4, 10, 0.4),
        Step("choices", "other", _names("yes_no meal source request_type yes_no"), 1, 3, 0.6),
        Step("table", "event", _names("participants"), chance=0.25),
        Step("table", "family", _names("family"), chance=0.25),
        Step("fields", "education", _SCHOOLING + _names("class_name grade student_number"), 2, 5, 0.4),
        Step("choices", "bank", _names("payment_method"), 1, 1, 0.3),
        OFFICE,
        NOTES,
        DECLARATION,
        SIGN,
    ),
    "medical": (
        Step("fields", "", _names("patient_number date ward bed visit_date doctor"), 2, 4, 0.6),
        Step("fields", "personal", _PATIENT + _BODY, 5, 11),
        CONTACT,
        Step("fields", "insurance", _names("insurer insurance_number employer relationship"), 2, 4, 0.6),
        Step("choices", "medical", _names("symptoms yes_no blood_type yes_no"), 1, 3, 0.8),
        Step("fields", "medical", _names("complaint history allergies diagnosis doctor visit_date"), 2, 5),
        Step(
            "fields", "vitals", _names("temperature blood_pressure pulse height weight blood_type"), 3, 6, 0.6
        ),
        Step("table", "medication", _names("medication"), chance=0.6),
        Step("fields", "other", _names("opinion remarks"), 1, 2, 0.5),
        NOTES,
        DECLARATION,
        SIGN,
    ),
    "tax": (
        Step("fields", "tax", _names("tax_year tax_office tax_number number date"), 2, 4),
        Step("fields", "personal", _TAXPAYER, 4, 8),
        Step("fields", "contact", _CONTACT, 3, 6, 0.7),
        Step("amounts", "income", ("income",)),
        Step("amounts", "deduction", ("deduction",), chance=0.8),
        Step("choices", "other", _names("marital applicant_type yes_no housing"), 1, 2, 0.5),
        Step("fields", "company", _COMPANY, 4, 7, 0.3),
        BANK._replace(chance=0.6),
        Step("table", "family", _names("family"), chance=0.35),
        OFFICE,
        NOTES,
        DECLARATION,
        SIGN,
    ),
    "questionnaire": (
        Step("notes", chance=0.4),
        Step("fields", "personal", _names("name sex age occupation department phone email date"), 2, 6),
        Step("questions", "survey"),
        Step("ratings", "survey"),
        Step("choices", "other", _names("source yes_no yes_no"), 1, 3, 0.7),
        Step("questions", "survey", chance=0.5),
        Step("fields", "other", _names("remarks work_content opinion"), 1, 2),
        NOTES,
        Step("sign", names=_names("signature_applicant sign_date"), chance=0.4),
    ),
    "expense": (
        Step("fields", "", _names("number date department name job attachments"), 3, 6),
        Step(
            "fields", "request", _names("purpose destination period start_date end_date project"), 2, 5, 0.8
        ),
        Step("table", "expense", _names("trips expense")),
        Step("table", "expense", _names("expense"), chance=0.3),
        Step("fields", "totals", _names("amount amount_words budget remarks payment"), 1, 4),
        BANK._replace(chance=0.5),
        Step("choices", "", _names("payment_method agree urgency"), 1, 2, 0.5),
        NOTES,
        Step("fields", "office", _names("opinion checker handler date"), 2, 4, 0.5),
        Step("sign", names=_names("signature_applicant signature_manager sign_date signature_office")),
    ),
    "account": (
        Step("fields", "", _names("number date branch customer_number"), 1, 3, 0.6),
        Step("choices", "request", _names("request_type applicant_type delivery_method"), 1, 3, 0.9),
        PERSONAL,
        CONTACT,
        Step("fields", "company", _COMPANY, 5, 10, 0.6),
        BANK,
        Step("choices", "other", _names("id_type yes_no source housing"), 1, 3, 0.6),
        OFFICE,
        NOTES,
        DECLARATION,
        SIGN,
    ),
    "invoice": (
        Step("goods", "items", _names("priced")),
        Step("fields", "", _names("amount_words remarks payment due_date"), 1, 3, 0.6),
        BANK._replace(chance=0.7),
        Step("staff", names=_names("handler checker receiver"), low=1, high=3, chance=0.4),
        NOTES,
        Step("sign", names=_names("signature_manager signature_office sign_date"), chance=0.3),
    ),
    "delivery_note": (
        Step(
            "fields",
            "delivery",
            _names("carrier driver plate packages gross_weight net_weight terms warehouse"),
            2,
            6,
        ),
        Step("goods", "items", _names("unpriced")),
        Step("choices", "", _names("delivery_method urgency invoice_type"), 1, 1, 0.3),
        Step("fields", "", _names("remarks packages attachments"), 1, 2, 0.6),
        NOTES,
        Step("staff", names=_names("handler checker driver sender"), low=2, high=4, chance=0.6),
        Step("sign", names=_names("signature_applicant sign_date signature_manager signature_office")),
    ),
    "order": (
        Step(
            "fields", "delivery", _names("delivery_date terms payment warehouse contact project"), 2, 5, 0.7
        ),
        Step("goods", "items", _names("priced")),
        Step("fields", "", _names("remarks amount_words purpose"), 1, 2, 0.6),
        Step("choices", "", _names("delivery_method payment_method urgency"), 1, 2, 0.4),
        NOTES,
        Step("staff", names=_names("handler checker department"), low=1, high=3, chance=0.5),
        SIGN,
    ),
}

# Steps that a form ends with; room is kept for them.
CLOSING = frozenset({"notes", "declaration", "sign", "staff"})
# More to ask when the page is still half empty.
FILLERS = (
    Step("fields", "other", _names("remarks work_content contact phone email reference project"), 2, 5),
    Step("choices", "other", _names("yes_no source delivery_method"), 1, 3),
    Step("table", "documents", _names("documents skills")),
    Step("fields", "office", _names("number date handler checker opinion department"), 3, 6),
    Step("notes"),
)
BUSINESS_FILLERS = (
    Step("fields", "other", _names("remarks contact phone email reference project payment terms"), 2, 5),
    Step("choices", "", _names("delivery_method payment_method invoice_type"), 1, 2),
    Step("fields", "office", _names("number date handler checker department"), 2, 5),
    Step("notes"),
)
