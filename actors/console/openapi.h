/* openapi.h - the API's description, made from the route table and schemas.json.
 *
 * Format     OpenAPI 3.1; answers' schemas are JSON Schema 2020-12.
 * Promise    What the table does not have is not described, and what it has is. */
#ifndef USHER_OPENAPI_H
#define USHER_OPENAPI_H

#include "routes.h"

/* The caller's. */
char *openapi_text(void);

#endif
