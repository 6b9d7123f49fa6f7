// c-ares for Swift. Later releases mark functions as deprecated whose replacements 1.18 does not have; they stay, as its
// ABI is stable, and the macro keeps the warnings away.
#pragma once
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>

// Class IN (RFC 1035 §3.2.4).
static const int cares_class_in = 1;

// The status codes in use: macros in some releases, an enumeration in others.
static const int cares_success = ARES_SUCCESS;
static const int cares_no_data = ARES_ENODATA;
static const int cares_format_error = ARES_EFORMERR;
static const int cares_server_failure = ARES_ESERVFAIL;
static const int cares_not_found = ARES_ENOTFOUND;
static const int cares_not_implemented = ARES_ENOTIMP;
static const int cares_refused = ARES_EREFUSED;
static const int cares_bad_name = ARES_EBADNAME;
static const int cares_bad_response = ARES_EBADRESP;
static const int cares_connection_refused = ARES_ECONNREFUSED;
static const int cares_timeout = ARES_ETIMEOUT;
static const int cares_no_memory = ARES_ENOMEM;
