/* secret_table.h - the secrets that can be put in place from the console: the one place.
 *
 * X(path, provider, fallback, keeps, "label")
 *   path      of the setting; a value that is a file below the home can be changed, others are shown
 *   provider  setting that says whose it is
 *   fallback  the setting's default
 *   keeps     1: it is for checking what others signed, so the old lines stay until they are retired
 *             0: it is what we call with; a new one takes the place of the old */
X("webhook/payment/secret", "webhook/payment/provider", "file:secrets/stripe", 1, "signing secret of payment webhooks")
X("crm/key", "crm/provider", "", 0, "API key of the CRM")
X("support/key", "support/provider", "", 0, "API key of the support desk")
X("mailer/key", "mailer/provider", "", 0, "password at the mail server, or key of the mail API")
X("app/secret", "app/provider", "", 1, "signing secret of what we tell the web app")
X("alert/hook/url", "alert/hook/provider", "", 0, "address of the first alert hook")
