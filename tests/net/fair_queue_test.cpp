#include "net/fair_queue.h"

#include <vector>

#include "tests/catch.h"

using namespace attestd::net;
using Entry = FairQueue::Entry;

TEST_CASE("an asker runs at once while there is room, then waits, then is refused") {
  FairQueue queue({.running = 2, .running_per_address = 2, .waiting = 1, .waiting_per_address = 1});
  CHECK(queue.enter("a", 1) == Entry::runs);
  CHECK(queue.enter("a", 2) == Entry::runs);
  CHECK(queue.enter("a", 3) == Entry::waits);
  CHECK(queue.enter("a", 4) == Entry::address_full);
  CHECK(queue.enter("b", 5) == Entry::full);
  CHECK(queue.running() == 2);
  CHECK(queue.waiting() == 1);
  CHECK_FALSE(queue.next());
  queue.finished("a");
  CHECK(queue.next() == 3U);
  CHECK_FALSE(queue.next());
}

TEST_CASE("an address with many waiting delays another by one turn") {
  FairQueue queue({.running = 1, .running_per_address = 1, .waiting = 100, .waiting_per_address = 100});
  CHECK(queue.enter("many", 1) == Entry::runs);
  for (FairQueue::Ticket ticket = 2; ticket <= 50; ++ticket) CHECK(queue.enter("many", ticket) == Entry::waits);
  CHECK(queue.enter("one", 100) == Entry::waits);
  queue.finished("many");
  CHECK(queue.next() == 2U);
  queue.finished("many");
  CHECK(queue.next() == 100U);
  queue.finished("one");
  CHECK(queue.next() == 3U);
}

TEST_CASE("an address at its own limit does not hold up the others") {
  FairQueue queue({.running = 3, .running_per_address = 1, .waiting = 10, .waiting_per_address = 10});
  CHECK(queue.enter("a", 1) == Entry::runs);
  CHECK(queue.enter("a", 2) == Entry::waits);
  CHECK(queue.enter("b", 3) == Entry::runs);
  CHECK_FALSE(queue.next());
  queue.finished("a");
  CHECK(queue.next() == 2U);
}

TEST_CASE("who stops waiting is not called") {
  FairQueue queue({.running = 1, .running_per_address = 1, .waiting = 10, .waiting_per_address = 10});
  CHECK(queue.enter("a", 1) == Entry::runs);
  CHECK(queue.enter("b", 2) == Entry::waits);
  CHECK(queue.enter("c", 3) == Entry::waits);
  CHECK(queue.abandon("b", 2));
  CHECK_FALSE(queue.abandon("b", 2));
  CHECK_FALSE(queue.abandon("nobody", 9));
  queue.finished("a");
  CHECK(queue.next() == 3U);
  CHECK(queue.waiting() == 0);
}
