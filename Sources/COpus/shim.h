#pragma once
#include <opus.h>

// The settings of an encoder are variadic calls, which Swift cannot make.

static inline void opus_set_bit_rate(OpusEncoder *encoder, opus_int32 bits_per_second) {
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bits_per_second));
}
static inline void opus_set_complexity(OpusEncoder *encoder, opus_int32 complexity) {
  opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(complexity));
}
static inline void opus_set_in_band_fec(OpusEncoder *encoder, opus_int32 on) {
  opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(on));
}
static inline void opus_set_expected_loss(OpusEncoder *encoder, opus_int32 percent) {
  opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(percent));
}
