import os
# --8<-- [start:f]
def f(x):
    assert x > 1
    return 1 / 2
# --8<-- [end:f]
