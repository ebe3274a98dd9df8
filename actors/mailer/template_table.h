/* template_table.h - the words of mails that a founder has not written: the one place.
 *
 * All of them are transactional: each answers what the person did (paid, failed to pay, cancelled) and
 * advertises nothing, so that they reach those, too, who unsubscribed from other mails.
 *
 * X(name, plain text, HTML) */
X("welcome",
  "Subject: Welcome to {{community|our community}}, {{name|friend}}!\n"
  "\n"
  "Hello {{name|friend}},\n"
  "\n"
  "welcome, and thank you! Your membership is active.\n"
  "\n"
  "{{#link}}\n"
  "{{link}}\n"
  "\n"
  "{{/link}}\n"
  "If anything is unclear, just reply to this mail.\n"
  "{{#community}}\n"
  "\n"
  "{{community}}\n"
  "{{/community}}\n",
  "<p>Hello {{name|friend}},</p>\n"
  "<p>welcome, and thank you! Your membership is active.</p>\n"
  "{{#link}}\n"
  "<p>{{link}}</p>\n"
  "{{/link}}\n"
  "<p>If anything is unclear, just reply to this mail.</p>\n"
  "{{#community}}\n"
  "<p>{{community}}</p>\n"
  "{{/community}}\n")
X("back",
  "Subject: Welcome back, {{name|friend}}!\n"
  "\n"
  "Hello {{name|friend}},\n"
  "\n"
  "good to have you back. Your membership is active again.\n"
  "{{#community}}\n"
  "\n"
  "{{community}}\n"
  "{{/community}}\n",
  "<p>Hello {{name|friend}},</p>\n"
  "<p>good to have you back. Your membership is active again.</p>\n"
  "{{#community}}\n"
  "<p>{{community}}</p>\n"
  "{{/community}}\n")
X("card",
  "Subject: Please update your card\n"
  "\n"
  "Hello {{name|friend}},\n"
  "\n"
  "your last payment did not go through, so your membership is paused.\n"
  "Please update your card, and it goes on at once.\n"
  "\n"
  "{{link|Just reply to this mail if you need help.}}\n"
  "{{#community}}\n"
  "\n"
  "{{community}}\n"
  "{{/community}}\n",
  "<p>Hello {{name|friend}},</p>\n"
  "<p>your last payment did not go through, so your membership is paused.\n"
  "Please update your card, and it goes on at once.</p>\n"
  "<p>{{link|Just reply to this mail if you need help.}}</p>\n"
  "{{#community}}\n"
  "<p>{{community}}</p>\n"
  "{{/community}}\n")
X("goodbye",
  "Subject: Goodbye, and thank you\n"
  "\n"
  "Hello {{name|friend}},\n"
  "\n"
  "your membership has ended. Thank you for having been with us.\n"
  "You are welcome back at any time.\n"
  "{{#community}}\n"
  "\n"
  "{{community}}\n"
  "{{/community}}\n",
  "<p>Hello {{name|friend}},</p>\n"
  "<p>your membership has ended. Thank you for having been with us.\n"
  "You are welcome back at any time.</p>\n"
  "{{#community}}\n"
  "<p>{{community}}</p>\n"
  "{{/community}}\n")
