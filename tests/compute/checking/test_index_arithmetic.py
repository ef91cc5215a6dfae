"""Index arithmetic: convolutions, strides, differences, parts of ranges, tensors of indices; and cases."""
# ruff: noqa: E501 (a case is a line of the table)

from html import unescape

import pytest
from test_published_notation import _replaced as replaced

from einsum_doc import NotationError, verify

CONVOLUTION = r"y_i &= \sum_m w_m x_{i+m} \\ "
STRIDED = "% integer s\n" r"y_i &= \sum_m w_m x_{si+m} \\ "
SEQUENCE = "% origin 1\n" r"s &= \sum_{t=1}^{T-1} x_t x_{t+1} \\ "
EMBEDDING = "% index t\n" r"y_{nd} &= E_{t_n d} \\ "
REGULARISED = r"\mathbf{z} &= \mathbf{W} \mathbf{x} \\ s &= \lambda \|\mathbf{W}\|^2 \\ J &= L + s \\ "
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
    "numbers of a tensor of indices": ("% index c\n% origin 0\n" r"(1 - \mathbb{1}[c_0 = c_1]) x_{c_0} &= x_{c_0} - \mathbb{1}[c_0 = c_1] x_{c_1}", "= x_{c_0}", "= 2 x_{c_0}"),
    "a size, and a part of the range": ("% size t = 3\n% origin 0\n" r"\sum_{t=1}^{T-1} x_t &= x_1 + x_2", "x_2", "2 x_2"),
    "values of an index": ("% value t\n" r"G &= \sum_{t=0}^{T-1} \gamma^t r_t \\ \frac{\partial G}{\partial \gamma} &= \sum_t t \gamma^{t-1} r_t", "t-1", "t"),
    "values from 1": ("% value i\n% size i = n\n" r"s &= \sum_{i=1}^{n} i x_i \\ \frac{\partial s}{\partial x_i} &= i", "= i\0", "= i - 1"),
    # cases
    "relu": (r"y_i &= \begin{cases} x_i & x_i > 0 \\ 0 & \text{otherwise} \end{cases} \\ \frac{\partial y_i}{\partial x_j} &= \begin{cases} \delta_{ij} & \text{if } x_i > 0, \\ 0 & \text{if } x_i \le 0. \end{cases}", "0 & \\text{if }", "1 & \\text{if }"),
    "leaky relu": (r"f(x) &= \begin{cases} x, & x > 0 \\ \alpha x, & x \leq 0 \end{cases} \\ f'(x) &= \begin{cases} 1 & x > 0 \\ \alpha & x < 0 \end{cases}", "x < 0", r"x \leq 1"),
    "Huber": ("% positive \\tau\n" r"H(a) &= \begin{cases} \frac{1}{2} a^2 & \text{for } |a| \le \tau \\ \tau (|a| - \frac{1}{2} \tau) & \text{otherwise} \end{cases} \\ H'(a) &= \begin{cases} a & -\tau \le a \le \tau \\ \tau \operatorname{sign}(a) & \text{otherwise} \end{cases}", r"\tau \operatorname", r"\operatorname"),
    "a Jacobian": (r"p_i &= \frac{e^{x_i}}{\sum_j e^{x_j}} \\ \frac{\partial p_i}{\partial x_j} &= \begin{cases} p_i (1 - p_i) & i = j \\ -p_i p_j & i \ne j \end{cases}", "-p_i", "p_i"),
    "a mask": (r"M_{ij} &= \begin{cases} 0 & j \le i \\ m & j > i \end{cases} \\ M_{ij} &= m \mathbb{1}[j > i]", "j > i]", "i > j]"),
    "two conditions": (r"y_i &= \begin{cases} x_i & x_i > 0 \text{ and } z_i > 0 \\ 0 & \text{else} \end{cases} \\ y_i &= \operatorname{relu}(x_i) \mathbb{1}[z_i > 0]", "[z_i > 0]", "[x_i > 0]"),
    "a value in a condition": (r"y_i &= \operatorname{relu}(x_i) \\ \frac{\partial y_i}{\partial x_j} &= \mathbb{1}(x_i > 0) \delta_{ij}", ">", "<"),
    "a margin": (r"L &= \sum_i \sum_{j \ne i} \operatorname{relu}(s_{ij} + 1 - t_{ij}) \\ \frac{\partial L}{\partial s_{kl}} &= \mathbb{1}[s_{kl} + 1 > t_{kl}] \mathbb{1}[k \ne l]", "+ 1 >", "- 1 >"),
    "magnitudes": (r"y &= |x - |z|| \\ y^2 &= x^2 - 2 x |z| + z^2", "|z| +", "z +"),
    "where the largest is": (r"m &= \max_i x_i \\ \frac{\partial m}{\partial x_j} &= \mathbb{1}[x_j = m]", "= m", r"\neq m"),
    "it, and what is greater": (r"m &= \max_i x_i \\ \frac{\partial m}{\partial x_j} &= \mathbb{1}[x_j \ge m]", r"\ge m", "> m"),
    "as cases": (r"m &= \max_i x_i \\ \frac{\partial m}{\partial x_j} &= \begin{cases} 1 & x_j = m \\ 0 & \text{otherwise} \end{cases}", "0 &", "1 &"),
    "a tie of a number with itself": (r"s_i &= \sum_j \mathbb{1}[x_i \mathbf{1}_j \ge x_j \mathbf{1}_i] \\ s_i &= \sum_j \mathbb{1}[x_i \mathbf{1}_j > x_j \mathbf{1}_i] + \mathbf{1}_i", r" + \mathbf{1}_i", ""),
    "the value at a bound": (r"f(x) &= \mathbb{1}[x \ge 0] \\ f(0) &= 1", "= 1", "= 0"),
    "the value of a case": (r"f(x) &= \begin{cases} 1 & x > 0 \\ 3 & x = 0 \\ 2 & x < 0 \end{cases} \\ f(0) &= 3", "= 3", "= 2"),
    # means over samples, tables, upper indices
    "a mean": ("% samples n\n" r"L &= \mathbb{E}_n\left[ (y_n - w x_n)^2 \right] \\ \frac{\partial L}{\partial w} &= -2 \, \mathbb{E}[(y_n - w x_n) x_n]", "-2", "2"),
    "a mean as a sum": ("% samples n\n" r"L &= \mathbb{E}[x_n] \\ L &= \frac{1}{N} \sum_n x_n", r"\frac{1}{N}", ""),
    "a mean in angles": ("% samples n\n" r"v &= \langle x_n^2 \rangle - \langle x_n \rangle^2 \\ v &= \operatorname{Var}[x_n]", "rangle^2", "rangle"),
    "a variance": ("% samples n\n" r"v &= \operatorname{Var}[x_n] \\ v &= \mathbb{E}[x_n^2] - \mathbb{E}[x_n]^2", "[x_n]^2", "[x_n^2]"),
    "its gradient": ("% samples n\n" r"v_i &= \operatorname{Var}_n(x_{ni}) \\ \frac{\partial v_i}{\partial x_{mj}} &= \frac{2}{N} \delta_{ij} (x_{mi} - \mathbf{1}_m \mathbb{E}[x_{ni}])", "{2}{N}", "{2}{N-1}"),
    "means of vectors": ("% samples n\n" r"\boldsymbol{\mu} &= \mathbb{E}[\mathbf{x}_n] \\ \mathbb{E}[(\mathbf{x}_n - \boldsymbol{\mu})^\top (\mathbf{x}_n - \boldsymbol{\mu})] &= \mathbb{E}[\mathbf{x}_n^\top \mathbf{x}_n] - \boldsymbol{\mu}^\top \boldsymbol{\mu}", r"- \boldsymbol{\mu}^\top", r"+ \boldsymbol{\mu}^\top"),
    "a reparametrisation": ("% samples n\n" r"z_n &= \mu + \sigma \epsilon_n \\ \frac{\partial}{\partial \sigma} \mathbb{E}[\operatorname{f}(z_n)] &= \mathbb{E}[\operatorname{f}'(z_n) \epsilon_n]", r" \epsilon_n]", "]"),
    "a policy": ("% tabular \\pi, Q\n" r"\pi(a|s) &= \frac{e^{\theta_{sa}}}{\sum_b e^{\theta_{sb}}}, \quad J_s = \sum_a \pi(a|s) Q(s,a) \\ \frac{\partial J_s}{\partial \theta_{tb}} &= \delta_{st} \pi(b|s) (Q(s,b) - J_s \mathbf{1}_b)", "b|s", "s|b"),
    "a table with a label": ("% label \\theta\n% tabular \\pi_\\theta p\n" r"P_{st} &= \sum_a \pi_\theta(a \mid s) p(t|s,a) \\ \frac{\partial P_{st}}{\partial \pi_\theta(a|u)} &= \delta_{su} p(t|s,a)", r"\delta_{su}", r"\delta_{tu}"),
    "a divergence": ("% tabular P Q\n" r"D &= \sum_x P(x) \log \frac{P(x)}{Q(x)} \\ \frac{\partial D}{\partial Q(x)} &= -\frac{P(x)}{Q(x)}", "= -", "= "),
    "upper indices": ("% upper i j k\n" r"y^i &= W^i_j x^j \\ \frac{\partial y^i}{\partial W^j_k} &= \delta^i_j x^k", "x^k\0", "2 x^k"),
    "upper and lower ones": ("% upper i j k\n" r"s &= g_{ij} x^i x^j \\ \frac{\partial s}{\partial x^k} &= (g_{kj} + g_{jk}) x^j", "jk", "kj"),
    # what is read without brackets, and in another order
    "a definition after where": (r"\frac{\partial L}{\partial w} &= \frac{\partial L}{\partial y} x, \quad \text{where } y = w x", r"}{\partial y} x", r"}{\partial y} w"),
    "several": (r"y &= a^2 \\ \text{where } a &= 3 b, \quad b = 2 c \\ y &= 36 c^2", "36", "18"),
    "what is where it says": (r"y &= a^2, \quad \text{where } z = 2 y \\ z &= 2 a^2", "2 a", "a"),
    "the logarithm of a sum": (r"l &= \log \sum_j e^{x_j} \\ \frac{\partial l}{\partial x_i} &= \frac{e^{x_i}}{\sum_j e^{x_j}}", r"{\sum_j e^{x_j}}", "{e^{x_i}}"),
    "a function of a sum beside a term": (r"y &= \exp \sum_i x_i + z \\ y &= \exp(\sum_i x_i) + z", "i) + z", "i + z)"),
    "roots": (r"y &= \sqrt x + \sqrt 2 \\ \frac{dy}{dx} &= \frac{1}{2 \sqrt x}", r"2 \sqrt x", r"2 \sqrt y"),
    "a logarithm of 2π": (r"y &= \frac12 \log 2\pi + x \\ y &= \frac{1}{2} \log(2 \pi) + x", r"(2 \pi)", r"(2) \pi"),
    "a factor before a bracket": (r"p_k &= \frac{e^{z_k}}{\sum_j e^{z_j}} \\ \frac{\partial p_k}{\partial z_j} &= p_k(\delta_{kj}-p_j)", "-p_j", "+p_j"),
    "it with a sum": (r"s_k &= \sum_j x_{jk} (y_k - z_j) \\ s_k &= y_k \sum_j x_{jk} - x_{jk} z_j", "- ", "+ "),
    "a loss in a sum": (REGULARISED + r"\frac{\partial J}{\partial \mathbf{W}} &= \frac{\partial L}{\partial \mathbf{z}} \mathbf{x}^\top + 2 \lambda \mathbf{W}", r"\frac{\partial L}{\partial \mathbf{z}} \mathbf{x}^\top + ", ""),
    "the sum by the loss": (REGULARISED + r"\frac{\partial J}{\partial \mathbf{z}} &= \frac{\partial L}{\partial \mathbf{z}}, \quad \frac{\partial J}{\partial L} = 1", "= 1", "= 0"),
    "a term that is no loss": (r"o &= w x \\ J &= b + o^2 \\ \frac{\partial J}{\partial o} &= 2 o, \quad \frac{\partial J}{\partial b} = 1", "2 o", "o"),
    "signs as labels": (r"L &= -\log \frac{e^{s_{+}}}{e^{s_+} + e^{s_-}} \\ \frac{\partial L}{\partial s_-} &= \operatorname{sigmoid}(s_- - s_+)", "(s_- - s_+)", "(s_+ - s_-)"),
    "all but one of a range": (r"s_i &= \sum_{j=1, j \ne i}^{J} x_{ij} \\ s_i &= \sum_{j=1}^{J} x_{ij} - x_{ii}", "- x_{ii}", ""),
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
    "the value of an index": (r"s &= \sum_i i x_i", "i is an index here, and has no value", "'% value i'"),
    "its first value": ("% value i\n" r"s &= \sum_i i x_i", "does i count from 0 or from 1?", "'% origin 0'"),
    "an index in arithmetic alone": (r"y_i &= \sum_m x_{i+m}", "nothing says how many values m has", "'% size m = 3'"),
    "a range in arithmetic alone": ("% origin 1\n" r"s &= \sum_{t=1}^{T-1} x_{t+1}", "nothing says how many values t has", "'% size t = 3'"),
    "a tensor of indices": (r"y_{nd} &= E_{t_n d}", "t_n as an index", "'% index t'"),
    "its values": ("% index t\n" r"y_n &= E_{t_n} t_n", "t is a tensor of indices, and has no value here", "another letter"),
    "the largest of a part": (r"m_t &= \max_{s=1}^{t} x_s", "max over a part of the range", "all values"),
    "an upper end without a lower": (r"y &= \sum_i^{I-1} x_i", "a sum over a part of the range", "_{i=1}"),
    "cases of vectors": (r"\mathbf{y} &= \begin{cases} \mathbf{x} & a > 0 \\ \mathbf{z} & \text{otherwise} \end{cases}", "cases of vectors or matrices", "components"),
    "another word": (r"y &= \begin{cases} x & \text{often} \\ 0 & \text{otherwise} \end{cases}", "words that are no condition", r"\text{otherwise}"),
    "no condition": (r"y &= \begin{cases} x \\ 0 \end{cases}", "a case without its condition", "&"),
    "a case after the last": (r"y &= \begin{cases} x & \text{else} \\ 0 & x > 0 \end{cases}", "a case after the last one", "'otherwise' in the last row"),
    "no relation": (r"y &= \begin{cases} x & z \\ 0 & \text{else} \end{cases}", "a condition without a relation", r"\neq"),
    "the case of a tensor that lacks an index": (r"2 \begin{cases} x_i & z_i > 0 \\ w_{ij} & z_i < 0 \end{cases} &= y_{ij}", "index j is open in another term", r"\mathbf{1}_{j}"),
    "a mean over nothing": (r"v &= \mathbb{E}[x_n^2]", "what is this mean over?", "'% samples n'"),
    "a mean over two": ("% samples n, m\n" r"v &= \mathbb{E}[x_n y_m]", "what is this mean over?", "'% samples n'"),
    "a mean over a distribution": (r"v &= \mathbb{E}_{x \sim p}[x]", "an expectation over a distribution", "'% samples n'"),
    "an exponent that could be an index": (r"y^i &= W^i_j x^j", "i above a name with an index could be a power or a label", "'% upper i' for an index"),
    "an index above and below": ("% upper i\n" r"y^i &= x^i + x_i", "x with an index above and below", "each index in one place"),
    "a conditional name": (r"y &= p(a|s)", "p before a bracket", r"'% tabular p'"),
    "angles around one": (r"y &= \langle x_n \rangle", "an inner product of one factor", "','"),
    "a table that is not declared": (r"D &= \sum_x P(x) \log P(x)", "P before a bracket", "'% function P'"),
    "a conditional table and a joint one": ("% tabular p\n" r"p(x|y) &= p(x, y)", "p with a bar and without could be two tables", "another name"),
    "where a logarithm ends": (r"y &= \log 2 \pi x", "where does the argument end?", "brackets"),
    "where a root ends": (r"y_i &= \sqrt x_i", "a root without braces", "{"),
    "a term without a summed index": (r"s_j &= x_i (\delta_{ij} - z_j)", "index i is open in another term", r"\mathbf{1}_{i}"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "fault", "remedy"), REFUSED.values(), ids=REFUSED.keys())
def test_what_could_mean_two_things_is_refused(text: str, fault: str, remedy: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(text)
    assert fault in caught.value.fault
    assert remedy in caught.value.expected


def test_an_index_may_stand_in_arithmetic_alone_where_it_has_a_size() -> None:
    text = "% zero outside x\n" r"y_i &= \sum_m x_{i+m} \\ y_i &= \sum_m x_{m+i}"
    assert verify("% size m = 3\n" + text)
    with pytest.raises(NotationError, match="how many values m has"):
        verify(text)


def test_cases_that_overlap_or_leave_numbers_out_cannot_be_checked() -> None:
    for rows in (r"x & x > 0 \\ -x & x > 1", r"x & x > 0 \\ x & x < 1", r"x & x > 2"):
        (line,) = verify(rf"y &= \begin{{cases}} {rows} \end{{cases}}").lines
        assert "no case, or more than one, holds" in line.message


def test_a_case_is_met_however_far_its_bound() -> None:
    text = r"y &= \begin{cases} x & x > 100 \\ -x & \text{otherwise} \end{cases} \\ y &= -x"
    assert not verify(text)


def test_the_marks_in_cases_stay_on_the_page() -> None:
    cases = r"\begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}"
    derivation = verify(f"y &= {cases}")
    assert cases in unescape(derivation._repr_html_())


SLIPS = {
    "a sign in an index": ("% zero outside y\n" + CONVOLUTION + r"\frac{\partial L}{\partial x_j} &= \sum_m w_m \frac{\partial L}{\partial y_{j+m}}", "∂L/∂y_{j+m} is replaced by ∂L/∂y_{j−m}"),
    "one too few": ("% zero outside x\n" + CONVOLUTION + r"\frac{\partial L}{\partial w_m} &= \frac{\partial L}{\partial y_i} x_{i+m-1}", "x_{i+m−1} is replaced by x_{i+m}"),
    "a sign in a case": (r"f(x) &= \begin{cases} x & x > 0 \\ \alpha x & x \le 0 \end{cases} \\ f'(x) &= \begin{cases} 1 & x > 0 \\ -\alpha & x < 0 \end{cases}", "the sign of α is changed"),
    "a loss left out": (REGULARISED + r"\frac{\partial J}{\partial \mathbf{W}} &= 2 \lambda \mathbf{W}", "holds only if L is held fixed"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words"), SLIPS.values(), ids=SLIPS.keys())
def test_the_message_names_the_slip(text: str, words: str) -> None:
    line = verify(text).lines[-1]
    assert words in " ".join((line.message, *line.details))


def test_two_indices_beside_an_index_with_a_factor_are_answered_with_what_to_write() -> None:
    with pytest.raises(NotationError) as caught:
        verify(r"y_i &= x_{2i+1} + x_{2i}")
    assert r"2 \cdot i" in caught.value.expected
