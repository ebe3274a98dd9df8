/* secret_table.h - the secrets that can be put in place from the console: the one place.
 *
 * X(section, leaf, fallback, keeps, "label")
 *   section   of usher.cfg; its `provider` says whose it is. Several of one name are listed each
 *   leaf      of the setting; a value that is a file below the home can be changed, others are shown
 *   fallback  the setting's default; in it * stands for the name of a source, or its provider
 *   keeps     1: it is for checking what others signed, so the old lines stay until they are retired
 *             0: it is what we call with; a new one takes the place of the old */
X("webhook/payment", "secret", "file:secrets/*", 1, "signing secret of payment webhooks")
X("webhook/payment", "key", "", 0, "API key that reads what payment webhooks missed")
X("webhook/support", "secret", "file:secrets/*", 1, "signing secret of ticket webhooks")
X("webhook/mail", "secret", "file:secrets/*", 1, "signing secret of mail webhooks")
X("crm", "key", "", 0, "API key of the CRM")
X("support", "key", "", 0, "API key of the support desk")
X("mailer", "key", "", 0, "password at the mail server, or key of the mail API")
X("app", "secret", "", 1, "signing secret of what we tell the web app")
X("alert/hook", "url", "", 0, "address of an alert hook")
X("alert/hook", "key", "", 0, "key of an alert hook")
