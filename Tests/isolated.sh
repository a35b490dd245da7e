#!/bin/sh
# Runs a command in a network of its own: loopback, and an address that ICE takes for one of a network. Where that is
# not permitted it runs without: the tests that need it are skipped then, or fail where peers are required.
for unshare in "unshare --net" "unshare --net --map-root-user"; do
  if $unshare ip link set lo up 2>/dev/null; then
    SWITCHBOARD_NETWORK=own exec $unshare sh -c \
      'ip link set lo up && ip address add 192.0.2.10/32 dev lo && exec "$@"' isolated "$@"
  fi
done
exec "$@"
