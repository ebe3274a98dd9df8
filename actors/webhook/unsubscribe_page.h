/* unsubscribe_page.h - what a person sees behind an unsubscribe link: three small pages.
 *
 * Promise    Nothing of the request stands in a page, nothing is loaded or run, and none is kept by a
 *            browser or a search engine. The form posts to the address that it came from. */
#ifndef USHER_UNSUBSCRIBE_PAGE_H
#define USHER_UNSUBSCRIBE_PAGE_H

#include "web.h"

enum unsubscribe_page { UNSUBSCRIBE_ASK, UNSUBSCRIBE_DONE, UNSUBSCRIBE_UNKNOWN };

/* Answers the request: 200, or 404 for a link that is none of ours. */
void unsubscribe_page_answer(struct web_request *request, enum unsubscribe_page page);

#endif
