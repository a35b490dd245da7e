#define _GNU_SOURCE
#include "CLinux.h"
#include <sys/socket.h>

int linux_receive(int descriptor, struct linux_datagram *datagrams, unsigned int count, int waiting) {
  struct mmsghdr headers[LINUX_MOST_DATAGRAMS];
  struct iovec rooms[LINUX_MOST_DATAGRAMS];
  if (count > LINUX_MOST_DATAGRAMS) count = LINUX_MOST_DATAGRAMS;
  for (unsigned int i = 0; i < count; i++) {
    rooms[i] = (struct iovec){.iov_base = datagrams[i].bytes, .iov_len = datagrams[i].room};
    headers[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &datagrams[i].sender,
                                              .msg_namelen = sizeof(struct sockaddr_in6),
                                              .msg_iov = &rooms[i],
                                              .msg_iovlen = 1}};
  }
  int received = recvmmsg(descriptor, headers, count, waiting ? MSG_WAITFORONE : MSG_DONTWAIT, 0);
  for (int i = 0; i < received; i++) datagrams[i].size = headers[i].msg_len;
  return received;
}
