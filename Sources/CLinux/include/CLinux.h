#pragma once
// What Linux offers and Glibc's Swift module leaves out.
#include <malloc.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>

/// Names the calling thread, at most 15 bytes, as profilers and `top -H` show it.
static inline void linux_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

/// Room for one datagram; then how much of it one took, and who sent it.
struct linux_datagram {
  void *bytes;
  unsigned int room;
  unsigned int size;
  struct sockaddr_in6 sender;
};

/// More are not read at once.
enum { LINUX_MOST_DATAGRAMS = 32 };

/// Reads all datagrams that are there, at most `count` (recvmmsg); if it is `waiting` it first waits until one is.
/// Returns how many, or -1.
int linux_receive(int descriptor, struct linux_datagram *datagrams, unsigned int count, int waiting);
