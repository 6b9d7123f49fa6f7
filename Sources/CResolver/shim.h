// glibc's resolver for Swift: building and reading DNS messages, and what /etc/resolv.conf says.
#pragma once
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
