/* senders_table.h - mail servers whose SPF is known: the one place.
 *
 * X("end of the server's name", "include")
 *   include  what the sender's SPF record has to include; "" when the service sends with an
 *            envelope of its own, so that the sender's SPF does not matter */
X("smtp.gmail.com", "_spf.google.com")
X("smtp-relay.gmail.com", "_spf.google.com")
X("smtp.office365.com", "spf.protection.outlook.com")
X("smtp.fastmail.com", "spf.messagingengine.com")
X("smtp.mailgun.org", "mailgun.org")
X("smtp.eu.mailgun.org", "mailgun.org")
X("smtp.postmarkapp.com", "")
X("smtp.resend.com", "")
X("smtp.sendgrid.net", "")
X(".amazonaws.com", "")
