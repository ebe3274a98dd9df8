/* checks_table.h - everything that `usher doctor` looks at: the one place.
 *
 * X(ID, "name", "wrong", "why", "todo")
 *   ID     enum CHECK_<ID>
 *   name   in --json, and in brackets for people; the first word is the area
 *   wrong  what is the matter, in a founder's words
 *   why    what it does to the business
 *   todo   what to do, a line each, unless the finding knows it more exactly
 * The order is that of the output: what keeps all else from working comes first. */

/* --- this machine, its files, its processes --- */
X(CONFIG_UNKNOWN, "config.unknown", "usher.cfg has a line that nothing reads",
  "A misspelt setting is a setting that does not hold: the default does.",
  "Correct or remove the line, then: usher up")
X(CONFIG_MISTAKE, "config.mistake", "usher.cfg has a mistake",
  "`usher up` refuses it, so that a restart would not bring the fleet back.",
  "Correct the line, then: usher up")
X(CONFIG_SECRET, "config.secret", "A secret is written into usher.cfg",
  "The file is copied, shown and committed sooner or later, and the secret with it.",
  "Put it into a file of its own (chmod 600) and write \"file:secrets/NAME\" instead.\n"
  "If the file was ever shared, make a new secret at the provider.")
X(CONFIG_READABLE, "config.readable", "A secret can be read by others on this machine",
  "Whoever has an account here could act as you at that provider.", "")
X(CONFIG_RULES, "config.rules", "rules.cfg has a mistake",
  "`usher up` refuses it, so that a restart would not bring the fleet back.",
  "Correct the line, then: usher up")
X(DISK_FULL, "disk.full", "The disk is nearly full",
  "Without room no payment can be recorded; the provider is asked to come again until it gives up.",
  "Free some room, or move the home to a larger disk.")
X(FLEET_DOWN, "fleet.down", "The fleet is not running",
  "Payments are not taken; the provider tries again for some days and then gives up.", "usher up")
X(FLEET_ACTOR, "fleet.actor", "A part of the fleet is down",
  "What it does waits until it is back; nothing is lost, but nothing happens either.", "")
X(FLEET_VERSION, "fleet.version", "A part of the fleet is of another version",
  "It was not restarted after an update, and old and new may misunderstand each other.", "")
X(CLOCK_OFF, "clock.off", "This machine's clock is wrong",
  "Signatures carry a time: with a wrong clock good deliveries are refused as too old.",
  "Switch time synchronisation on: timedatectl set-ntp true")

/* --- the way in: the endpoint, its secret --- */
X(ENDPOINT_ADDRESS, "endpoint.address", "usher does not know its own public address",
  "Then nobody can see from here whether the provider's deliveries arrive.",
  "In usher.cfg, below webhook: url = \"https://hooks.example.com\", then: usher doctor")
X(ENDPOINT_REACHABLE, "endpoint.reachable", "The webhook endpoint cannot be reached",
  "No payment arrives. The provider tries again for some days and then gives up.",
  "Check that the name leads to this server, that the proxy in front runs, and that the firewall\n"
  "lets port 443 in.")
X(ENDPOINT_REDIRECT, "endpoint.redirect", "The webhook endpoint sends elsewhere",
  "Providers follow no redirect: each delivery counts as failed.", "")
X(ENDPOINT_LOGIN, "endpoint.login", "The webhook endpoint is behind a login",
  "The provider cannot log in: no payment arrives.",
  "Let /api/webhooks/ through without a login, at the proxy or access service in front.\n"
  "usher checks each delivery's signature itself.")
X(ENDPOINT_CERTIFICATE, "endpoint.certificate", "The endpoint's certificate is wrong",
  "The provider refuses to connect: no payment arrives.", "")
X(ENDPOINT_EXPIRING, "endpoint.expiring", "The endpoint's certificate runs out soon",
  "On that day no payment arrives any more. A certificate that renews itself is never so near.",
  "Look at why it was not renewed: journalctl -u caddy (or certbot renew --dry-run)")
X(ENDPOINT_DOOR, "endpoint.door", "Something else answers at the webhook endpoint",
  "Deliveries go to another program, or to nothing at all.", "")
X(SECRET_MISSING, "secret.missing", "There is no signing secret for the webhook",
  "Without it no delivery can be believed, and all are refused.", "")
X(SECRET_MODE, "secret.mode", "The webhook is of the other mode",
  "Test and live each have an endpoint and a secret of their own; events of the other mode change\n"
  "nothing here.", "")
X(SECRET_WRONG, "secret.wrong", "Deliveries fail the signature check",
  "The secret is another endpoint's: what the provider sends is refused as forged.", "")

/* --- the payment provider --- */
X(STRIPE_REACHABLE, "stripe.reachable", "Stripe's API does not answer as it should",
  "Missed payments cannot be fetched, and nothing about the key or the endpoint can be told.",
  "Check webhook/payment/api in usher.cfg and this server's way out; then: usher doctor")
X(STRIPE_MODE, "stripe.mode", "The Stripe key is of the other mode",
  "It sees the other mode's customers: missed payments would be looked for in the wrong place.", "")
X(STRIPE_REFUSED, "stripe.refused", "Stripe refuses the key",
  "Missed payments cannot be fetched.", "")
X(STRIPE_EXPIRED, "stripe.expired", "The Stripe key has expired",
  "Missed payments cannot be fetched.", "")
X(STRIPE_RIGHTS, "stripe.rights", "The Stripe key lacks a right",
  "What it may not read cannot be repaired when it was missed.", "")
X(STRIPE_EXCESS, "stripe.excess", "The Stripe key may do more than usher needs",
  "usher only reads. Whoever gets hold of this key could do more than that.",
  "Dashboard > Developers > API keys > Create restricted key: Read for Events, Customers,\n"
  "Subscriptions, Invoices, Checkout Sessions, Payment Intents, Charges and Refunds, Disputes and\n"
  "Webhook Endpoints, None for all else. Put it in place of this one, then roll this one.")
X(HOOK_MISSING, "hook.missing", "Stripe has no webhook with this address",
  "Stripe sends only to the addresses it was told: no payment arrives.", "")
X(HOOK_DISABLED, "hook.disabled", "Stripe has switched the webhook off",
  "It stays off until somebody switches it on: no payment arrives.",
  "Dashboard > Developers > Webhooks > the endpoint > Enable. Then: usher backfill")
X(HOOK_EVENTS, "hook.events", "The webhook does not send all that is needed",
  "What is not sent is not known: a refund, say, that revokes nothing.", "")
X(HOOK_FAILED, "hook.failed", "Stripe could not deliver some events, and they are missing here",
  "Until they arrive their members are out of date.",
  "usher backfill shows what is missing here, and with --apply fetches it.")

/* --- the tools that usher keeps up to date --- */
X(CRM_REACHABLE, "crm.reachable", "The CRM does not answer as it should",
  "Changes wait until it does.", "Check crm/url in usher.cfg and this server's way out.")
X(CRM_KEY, "crm.key", "The CRM refuses the key",
  "No member is created or tagged there until it is replaced.", "")
X(CRM_PROPERTY, "crm.property", "A property is missing in the CRM",
  "HubSpot refuses every change that names it.", "")
X(CRM_OPTION, "crm.option", "A tag's option is missing in the CRM",
  "HubSpot refuses every change with a tag that it has no option for.", "")
X(DESK_ADDRESS, "desk.address", "The support desk's address is wrong",
  "No note reaches the desk.", "")
X(DESK_LOGIN, "desk.login", "The support desk refuses the login",
  "No note reaches the desk until it is replaced.", "")
X(MAIL_REACHABLE, "mail.reachable", "The mail server cannot be reached",
  "Mail waits until it can.", "")
X(MAIL_LOGIN, "mail.login", "The mail server refuses the login",
  "No mail goes out until it is replaced.", "")
X(MAIL_STARTTLS, "mail.starttls", "The mail server offers no encryption",
  "usher does not send passwords and members' addresses in the clear, so that no mail goes out.",
  "Use the provider's port with TLS: smtps://HOST:465, or smtp://HOST:587 with STARTTLS.")
X(MAIL_CERTIFICATE, "mail.certificate", "The mail server's certificate is wrong",
  "usher does not talk to a server that cannot show who it is, so that no mail goes out.", "")
X(MAIL_FROM, "mail.from", "The sender's address does not fit",
  "Mail whose From is of another domain than its signature fails DMARC and ends up as spam.", "")

/* --- the names that make mail arrive --- */
X(SPF_MISSING, "spf.missing", "The sender's domain has no SPF record",
  "Gmail, Yahoo and Microsoft refuse or hide mail of domains without one.", "")
X(SPF_MISMATCH, "spf.mismatch", "The SPF record does not name your mail server",
  "Mail from there looks forged and ends up as spam.", "")
X(DKIM_MISSING, "dkim.missing", "The DKIM record is missing",
  "usher signs its mail, and nobody can check the signature.", "")
X(DKIM_MISMATCH, "dkim.mismatch", "The DKIM record is another key's",
  "Every signature is taken for forged.", "")
X(DMARC_MISSING, "dmarc.missing", "The sender's domain has no DMARC record",
  "Gmail, Yahoo and Microsoft ask for one from whoever sends to many.", "")
