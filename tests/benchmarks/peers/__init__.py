"""The programs that are compared: each computes the same training step, or the same step of a stream.

A module of this folder has one or both of

    training(case, arrays) -> step, numbers      one training step: forward over the sequence, and all gradients
    streaming(case, arrays) -> step, numbers     one step of a stream, the state carried on

where calling ``step()`` does the work once and ``numbers()`` returns what came out, by name, in the package's layout.
A peer that does not know a cell raises NotImplementedError.
"""
