// libxml2's push parser for Swift.
#pragma once
#include <libxml/xmlversion.h>
// Otherwise ICU's headers come along, and those of the system contradict Foundation's own.
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

// A function, as Swift does not let a mutable global through.
static inline const char *libxml2_version(void) { return xmlParserVersion; }
