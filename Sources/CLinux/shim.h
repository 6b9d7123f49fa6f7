// What Swift's Glibc module leaves out.
#pragma once
#include <signal.h>
#include <sys/signalfd.h>
