// For programs that hold secrets.
#pragma once

namespace attestd {

// From now on no core dump has this process's memory, and no debugger of the same user's may look into it.
void keep_memory_private();

}  // namespace attestd
