"""Index arithmetic: convolutions, strides, differences, parts of ranges, and tensors of indices."""
# ruff: noqa: E501 (a case is a line of the table)

import pytest
from test_published_notation import _replaced as replaced

from einsum_doc import NotationError, verify

CONVOLUTION = r"y_i &= \sum_m w_m x_{i+m} \\ "
STRIDED = "% integer s\n" r"y_i &= \sum_m w_m x_{si+m} \\ "
SEQUENCE = "% origin 1\n" r"s &= \sum_{t=1}^{T-1} x_t x_{t+1} \\ "
EMBEDDING = "% index t\n" r"y_{nd} &= E_{t_n d} \\ "
ENTROPY = "% index y\n" r"p_{nk} &= \frac{e^{z_{nk}}}{\sum_j e^{z_{nj}}} \\ L &= -\frac{1}{N} \sum_n \log p_{n y_n} \\ "

TRUE = {
    "a convolution": (CONVOLUTION + r"\frac{\partial L}{\partial w_m} &= \sum_i \frac{\partial L}{\partial y_i} x_{i+m}", "i+m", "m"),
    "its deltas": (CONVOLUTION + r"\frac{\partial y_i}{\partial x_j} &= \sum_m w_m \delta_{j,i+m}", "i+m", "i-m"),
    "by a component that is computed": (CONVOLUTION + r"\frac{\partial y_i}{\partial x_{i+m}} &= w_m \mathbf{1}_i", "w_m", "2 w_m"),
    "its input": ("% zero outside y\n" + CONVOLUTION + r"\frac{\partial L}{\partial x_j} &= \sum_m w_m \frac{\partial L}{\partial y_{j-m}}", "j-m", "j+m"),
    "its implied sum": (r"y_i &= w_m x_{i+m} \\ y_i &= \sum_m x_{m+i} w_m", "x_{m+i}", "x_{m+i+1}"),
    "two convolutions": (r"y_i &= w_m x_{i+m} \\ z_i &= v_n y_{i+n} \\ z_i &= \sum_{m,n} v_n w_m x_{i+m+n}", "+n}", "}"),
    "of an image": (r"O_{fij} &= \sum_{c,r,q} W_{fcrq} X_{c,i+r,j+q} + b_f \mathbf{1}_{ij} \\ \frac{\partial L}{\partial W_{fcrq}} &= \sum_{i,j} \frac{\partial L}{\partial O_{fij}} X_{c,i+r,j+q}", "i+r,j+q", "j+q,i+r"),
    "a stride": (STRIDED + r"\frac{\partial L}{\partial w_m} &= \sum_i \frac{\partial L}{\partial y_i} x_{si+m}", "si+m", "i+m"),
    "a stride in brackets": ("% integer s, p\n% zero outside x\n" r"y_i &= \sum_m w_m x_{(i-1)s+m-p} \\ \frac{\partial y_i}{\partial w_m} &= x_{si-s+m-p}", "si-s+m-p", "si-s+m+p"),
    "a stride that is known": (r"y_i &= \sum_m w_m x_{2i+m} \\ y_i &= \sum_m w_m x_{2 \cdot i+m}", r"2 \cdot i", r"3 \cdot i"),
    "a stride of a given length": ("% integer s = 2\n" r"y_i &= x_{si} \\ y_i &= x_{2 \cdot i}", r"2 \cdot i", "i"),
    "a difference": ("% zero outside x\n" r"y_t &= x_t - x_{t-1} \\ \frac{\partial y_t}{\partial x_s} &= \delta_{ts} - \delta_{s,t-1}", "t-1", "t+1"),
    "differences": (r"s &= \sum_{t=2}^{T} (x_t - x_{t-1})^2 \\ s &= \sum_{t=2}^{T} (x_t^2 - 2 x_t x_{t-1} + x_{t-1}^2)", "- 2", "+ 2"),
    "a part of a range": (SEQUENCE + r"\frac{\partial s}{\partial x_j} &= \sum_{t=1}^{T-1} (\delta_{jt} x_{t+1} + x_t \delta_{j,t+1})", r"\delta_{j,t+1}", r"\delta_{jt}"),
    "its number": ("% origin 1\n" r"s &= \sum_{t=2}^{T-1} (x_t + 1) \\ s &= \sum_{t=2}^{T-1} x_t + T - 2", "T - 2", "T - 1"),
    "from 0": ("% origin 0\n" r"s &= \sum_{t=1}^{T-1} x_t \\ s + x_0 &= \sum_{t=0}^{T-1} x_t", "x_0", "x_1"),
    "from 1": ("% origin 1\n" r"s &= \sum_{t=2}^{T} x_t \\ s + x_1 &= \sum_{t=1}^{T} x_t", "x_1", "x_2"),
    "a reflection": ("% size i = n\n% origin 1\n" r"y_i &= x_{n+1-i} \\ \frac{\partial y_i}{\partial x_j} &= \delta_{i+j,n+1}", "n+1}", "n}"),
    "a cumulative sum": (r"y_t &= \sum_{s=1}^{t} x_s \\ \frac{\partial y_t}{\partial x_s} &= \mathbb{1}[s \le t]", r"\le", "<"),
    "all before": (r"y_t &= \sum_{s=1}^{t-1} x_s \\ \frac{\partial y_t}{\partial x_s} &= \mathbb{1}[s < t]", "<", r"\le"),
    "all after": (r"y_i &= \sum_{j=i+1}^{J} x_j \\ y_i &= \sum_{j>i} x_j", "j>i", r"j\ge i"),
    "products from one to another": (r"P_t &= \sum_{s=1}^{t} x_s \prod_{j=s+1}^{t} w_j \\ \frac{\partial P_t}{\partial x_s} &= \mathbb{1}[s \le t] \prod_{j=s+1}^{t} w_j", "s+1}^{t} w_j\0", "s}^{t} w_j"),
    "an embedding": (EMBEDDING + r"\frac{\partial l}{\partial E_{vd}} &= \sum_n \frac{\partial l}{\partial y_{nd}} \mathbb{1}[t_n = v]", "= v]", r"\ne v]"),
    "with a delta": (EMBEDDING + r"\frac{\partial l}{\partial E_{vd}} &= \sum_n \frac{\partial l}{\partial y_{nd}} \delta_{v t_n}", r"\delta", r"2\delta"),
    "a cross-entropy": (ENTROPY + r"\frac{\partial L}{\partial z_{nk}} &= \frac{1}{N} (p_{nk} - \mathbb{1}[y_n = k])", "- ", "+ "),
    "the next of a sequence": ("% index t\n% origin 1\n" r"L &= \sum_{n=1}^{N-1} z_{n t_{n+1}} \\ \frac{\partial L}{\partial z_{mk}} &= \sum_{n=1}^{N-1} \delta_{nm} \delta_{t_{n+1} k}", "t_{n+1}", "t_n"),
}  # fmt: skip


def rejected(text: str) -> bool:
    """Return whether a text is false, or its indices fall outside of its tensors."""
    try:
        return not verify(text)
    except NotationError as error:
        return "falls outside" in error.fault


@pytest.mark.parametrize(("text", "old", "new"), TRUE.values(), ids=TRUE.keys())
def test_a_true_row_holds_and_a_change_in_it_does_not(text: str, old: str, new: str) -> None:
    derivation = verify(text)
    assert derivation, str(derivation)
    assert any(line.kind == "claim" for line in derivation.lines)
    assert rejected(replaced(text, old, new))


REFUSED = {
    "what falls outside": (r"y_t &= x_t - x_{t-1}", "x_{t−1} falls outside of x", "'% zero outside x'"),
    "the gradient of a convolution": (CONVOLUTION + r"\frac{\partial L}{\partial x_j} &= \sum_m w_m \frac{\partial L}{\partial y_{j-m}}", "y_{j−m} falls outside of y", "'% zero outside y'"),
    "too many": (r"s &= \sum_{i=0}^{I} x_i", "x_{i} falls outside of x", "'% zero outside x'"),
    "a recursion": (r"h_t &= w h_{t-1} + x_t", "h_t on the left, and other components", "'% label t'"),
    "a step": (r"h_{t+1} &= h_t + x_t", "h_{t+1} on the left", "'% label t'"),
    "a derivative between steps": (r"\frac{\partial h_t}{\partial h_{t-1}} &= w", "components of one tensor, or two tensors?", "'% label t'"),
    "the first value": (r"s &= \sum_{t=1}^{T-1} x_t y_t", "does t count from 0 or from 1?", "'% origin 0'"),
    "two first values": (r"s &= \sum_{i=1}^{I} x_{i+j} \mathbf{1}_j \sum_{k=0}^{K-1} y_k", "some sums count from 0, and others from 1", "'% origin 0'"),
    "no first value": ("% origin 2\ny &= x", "'% origin' without a number", "% origin 0"),
    "0 from 1": ("% origin 1\ny &= x_0", "0 as an index, where they count from 1", "'% origin 0'"),
    "a factor or an index": (r"y_i &= w_m x_{si+m}", "is s a factor, or an index of its own?", "'% integer s'"),
    "an index after arithmetic": (r"y_{ic} &= w_m x_{i+m c}", "is c a factor, or an index of its own?", "a comma"),
    "a product of indices": (r"y_i &= w_m x_{i \cdot m}", "a product of two indices", "'% integer s'"),
    "a letter that is no index": ("% integer s\n" r"y_i &= s x_{si}", "s is a number in indices, and has no value here", "another letter"),
    "a range that is not known": (r"y_i &= x_{N-i}", "nothing says which range N is", "'% size i = N'"),
    "a tensor of indices": (r"y_{nd} &= E_{t_n d}", "t_n as an index", "'% index t'"),
    "its values": ("% index t\n" r"y_n &= E_{t_n} t_n", "t is a tensor of indices, and has no value here", "another letter"),
    "the largest of a part": (r"m_t &= \max_{s=1}^{t} x_s", "max over a part of the range", "all values"),
    "an upper end without a lower": (r"y &= \sum_i^{I-1} x_i", "a sum over a part of the range", "_{i=1}"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "fault", "remedy"), REFUSED.values(), ids=REFUSED.keys())
def test_what_could_mean_two_things_is_refused(text: str, fault: str, remedy: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(text)
    assert fault in caught.value.fault
    assert remedy in caught.value.expected
