// SPDX-License-Identifier: Apache-2.0
// Lists of consecutive numbers for the preprocessor.
#ifndef RN_EACH_H
#define RN_EACH_H

#include "rn_target.h"

// X(1, ...) X(2, ...) and so on.
#define RN_FOR_1_TO_1(X, ...) X(1, __VA_ARGS__)
#define RN_FOR_1_TO_2(X, ...) RN_FOR_1_TO_1(X, __VA_ARGS__) X(2, __VA_ARGS__)
#define RN_FOR_1_TO_3(X, ...) RN_FOR_1_TO_2(X, __VA_ARGS__) X(3, __VA_ARGS__)
#define RN_FOR_1_TO_4(X, ...) RN_FOR_1_TO_3(X, __VA_ARGS__) X(4, __VA_ARGS__)
#define RN_FOR_1_TO_5(X, ...) RN_FOR_1_TO_4(X, __VA_ARGS__) X(5, __VA_ARGS__)
#define RN_FOR_1_TO_6(X, ...) RN_FOR_1_TO_5(X, __VA_ARGS__) X(6, __VA_ARGS__)
#define RN_FOR_1_TO_7(X, ...) RN_FOR_1_TO_6(X, __VA_ARGS__) X(7, __VA_ARGS__)
#define RN_FOR_1_TO_8(X, ...) RN_FOR_1_TO_7(X, __VA_ARGS__) X(8, __VA_ARGS__)
#define RN_FOR_1_TO_9(X, ...) RN_FOR_1_TO_8(X, __VA_ARGS__) X(9, __VA_ARGS__)
#define RN_FOR_1_TO_10(X, ...) RN_FOR_1_TO_9(X, __VA_ARGS__) X(10, __VA_ARGS__)
#define RN_FOR_1_TO_11(X, ...) RN_FOR_1_TO_10(X, __VA_ARGS__) X(11, __VA_ARGS__)
#define RN_FOR_1_TO_12(X, ...) RN_FOR_1_TO_11(X, __VA_ARGS__) X(12, __VA_ARGS__)
#define RN_FOR_1_TO_13(X, ...) RN_FOR_1_TO_12(X, __VA_ARGS__) X(13, __VA_ARGS__)
#define RN_FOR_1_TO_14(X, ...) RN_FOR_1_TO_13(X, __VA_ARGS__) X(14, __VA_ARGS__)
#define RN_FOR_1_TO_15(X, ...) RN_FOR_1_TO_14(X, __VA_ARGS__) X(15, __VA_ARGS__)
#define RN_FOR_1_TO_16(X, ...) RN_FOR_1_TO_15(X, __VA_ARGS__) X(16, __VA_ARGS__)

#endif
