// SPDX-License-Identifier: Apache-2.0
// Instruction sets for single functions, so that no file needs compiler flags of its own and the
// binary's baseline stays that of the architecture.
#ifndef RN_TARGET_H
#define RN_TARGET_H

#include "rn_declarations.h"
#if DEBUG
#include <assert.h>
#endif

#define RN_PRAGMA(text) _Pragma(#text)
#define RN_TARGET_PUSH(features)                                                                   \
  RN_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define RN_TARGET_POP RN_PRAGMA(clang attribute pop)

#define RN_ALWAYS_INLINE static inline __attribute__((always_inline))

// Hides where a pointer came from: without it the compiler rewrites base + index addressing into
// chains of additions, one for each pixel of a tile.
#define RN_OPAQUE(pointer) __asm__("" : "+r"(pointer))

// Unrolls the following loop, whose bounds are constants once its function is inlined.
#define RN_UNROLL RN_PRAGMA(clang loop unroll(full))

// What a contract asks of the arguments, checked in debug builds alone.
#if DEBUG
#define RN_REQUIRE(condition) assert(condition)
#else
#define RN_REQUIRE(condition) ((void)0)
#endif

#endif
