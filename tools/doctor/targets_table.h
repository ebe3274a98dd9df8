/* targets_table.h - the tools that usher keeps up to date, and the harmless question that shows
 * whether each takes our key: the one place.
 *
 * X(actor, provider, url, path, auth)
 *   url   the base without <actor>/url in usher.cfg; "" when it has to be given
 *   path  what is asked for
 *   auth  how the key is shown: BEARER, BASIC_ANY (any:key), BASIC_USER (<actor>/user/token:key),
 *         HEADER_<name>; or APP, a log-in with <actor>/app and the key. All but the last: GET. */
X(crm, "hubspot", "https://api.hubapi.com", "/crm/v3/objects/contacts?limit=1", BEARER)
X(crm, "mailchimp", "", "/3.0/ping", BASIC_ANY)
X(crm, "kit", "https://api.kit.com", "/v4/account", HEADER_KIT)
X(support, "zendesk", "", "/api/v2/users/me.json", BASIC_USER)
X(support, "helpscout", "https://api.helpscout.net", "/v2/oauth2/token", APP)
X(support, "intercom", "https://api.intercom.io", "/me", BEARER)
X(mailer, "resend", "https://api.resend.com", "/domains", BEARER)
X(mailer, "postmark", "https://api.postmarkapp.com", "/server", HEADER_POSTMARK)
