"""What the sandbox banks ask a person to type, shared by the manifest and by the challenges of a run."""

from afflux.domain.catalogue import Step
from afflux.domain.challenges import FieldType, FormField

TWO_WAYS = 87
#: Its channels.
BY_CONSENT, BY_LOGIN = 8701, 8700
TEST_BANK = 999
SANDBOX = 1000
REFUSING = 1005
PORTAL = 1006
MAINTENANCE = 1011
UNAVAILABLE = 1012

TEST_BANK_FIELDS = (
    FormField(name="login", label="Identifiant", min_length=1, max_length=11),
    FormField(
        name="password",
        label="Code confidentiel",
        type=FieldType.PASSWORD,
        min_length=6,
        max_length=6,
        digits=True,
    ),
)
SANDBOX_FIELDS = (
    FormField(name="login", label="Identifiant", min_length=1, max_length=100),
    FormField(name="password", label="Mot de passe", type=FieldType.PASSWORD, min_length=1, max_length=64),
)
REFUSING_FIELDS = (
    FormField(name="login", label="Identifiant", min_length=10, max_length=10),
    FormField(name="password", label="Mot de passe", type=FieldType.PASSWORD, min_length=1, max_length=64),
)
PORTAL_FIELDS = (
    FormField(name="login", label="Adresse e-mail", min_length=3, max_length=254),
    FormField(name="password", label="Mot de passe", type=FieldType.PASSWORD, min_length=1, max_length=64),
)

TWO_WAYS_FIELDS = (
    FormField(name="login", label="Login", min_length=1, max_length=100),
    FormField(name="password", label="Password", type=FieldType.PASSWORD, min_length=1, max_length=64),
)

SMS = Step(
    name="sms",
    title="Code reçu par SMS pour <strong>%b%</strong>",
    fields=(FormField(name="sms", label="Code SMS", min_length=4, max_length=4),),
)
CHOICE = Step(
    name="choice",
    title="Où envoyer le code de <strong>%b%</strong> ?",
    fields=(FormField(name="choice", label="Moyen de réception"),),
)
APP = Step(name="app", title="Validez la connexion dans l'application de <strong>%b%</strong>", fields=())
REDIRECT = Step(name="redirect", title="Donnez votre accord sur le site de <strong>%b%</strong>", fields=())
DISPLAY = Step(
    name="display",
    title="Recopiez le code affiché par <strong>%b%</strong>",
    fields=(FormField(name="code", label="Code affiché", min_length=4, max_length=4, digits=True),),
)
CAPTCHA = Step(
    name="captcha",
    title="Recopiez les chiffres de l'image",
    fields=(FormField(name="captcha", label="Chiffres de l'image", min_length=4, max_length=4, digits=True),),
)
CONFIRM = Step(
    name="confirm",
    title="<strong>%b%</strong> demande votre confirmation",
    fields=(FormField(name="confirm", label="Confirmer"),),
)
SANDBOX_STEPS = (SMS, CHOICE, APP, REDIRECT, DISPLAY, CAPTCHA, CONFIRM)
