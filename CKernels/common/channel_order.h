// SPDX-License-Identifier: Apache-2.0
// The order of the 16 output channels in a block's sums: their own, or those that the weights of
// grouped_q8 leave, in groups of 4, and in groups of 8 once neighbouring dwords are added.
#ifndef RN_CHANNEL_ORDER_H
#define RN_CHANNEL_ORDER_H

typedef enum order { natural, order_of_4, order_of_8 } order;

// The channels of the sums, and the places of the channels.
#define RN_CHANNELS_OF_4 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15
#define RN_CHANNELS_OF_8 0, 8, 4, 12, 1, 9, 5, 13, 2, 10, 6, 14, 3, 11, 7, 15
#define RN_PLACES_OF_4 RN_CHANNELS_OF_4
#define RN_PLACES_OF_8 0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15

#endif
