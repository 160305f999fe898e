"""The fast path over a sequence, for the plain recurrent layer, the GRU and the LSTM: arrays in, arrays out.

It computes what looping the cells computes; the tests hold the one against the other. What makes it fast:

1.  What does not wait for the previous step is one product over all steps: the input's part of every pre-activation
    beforehand (the bias rides along as an input that is always 1), the gradients of parameters and inputs afterwards.
2.  Every operation writes into an array that exists already.
3.  All gates of a step lie behind one another on a *tape* (step, slot, example, unit), so that one call serves several
    gates, and NumPy runs it as one flat loop. Slots are ordered so that what is multiplied together is adjacent.
4.  σ(z) = 1 / (1 + exp(-z)), with the sign folded into the weights: one exp for all gates of a step, where tanh would
    take twice its time. It keeps the digits of a gate that is almost shut, too.
5.  Backwards, the local slopes of a chunk of steps that fits the cache are computed at once; the loop only multiplies.
6.  Transposed weights are copied once: small products with a transposed operand are slow.

Past an example's end (`ended`), a state is copied instead of computed, and slopes are set to zero: a choice, not a
product, so what stands in the padding never matters.
"""

from .gru import GRU_SLOTS, gru_backward, gru_forward
from .lstm import C_PREV, LSTM_SLOTS, lstm_backward, lstm_forward
from .rnn import rnn_backward, rnn_forward
from .step import gru_step, gru_step_after, lstm_step, rnn_step, stacked_weights
from .tape import is_complex, with_ones

__all__ = [
    "C_PREV",
    "GRU_SLOTS",
    "LSTM_SLOTS",
    "gru_backward",
    "gru_forward",
    "gru_step",
    "gru_step_after",
    "is_complex",
    "lstm_backward",
    "lstm_forward",
    "lstm_step",
    "rnn_backward",
    "rnn_forward",
    "rnn_step",
    "stacked_weights",
    "with_ones",
]
