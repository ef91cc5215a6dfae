"""Notation as the field writes it: matrices, labels, functions, several equations in a row, conditions."""
# ruff: noqa: E501 (a case is a line of the table)

import pytest

from einsum_doc import NotationError, verify
from einsum_doc.compute.checking.derivation import Derivations
from einsum_doc.notation.reading.parse import Chain, parse_notation

LINEAR = r"\mathbf{Y} &= \mathbf{X}\mathbf{W}^\top + \mathbf{1}\mathbf{b}^\top \\ "
NORMAL = r"\mathbf{w} &= (\mathbf X^\top \mathbf X)^{-1}\mathbf X^\top \mathbf{y} \\ "
NETWORK = r"""\mathbf{z} &= \mathbf{W}^{(1)} \mathbf{x} + \mathbf{b}^{(1)} \\ \mathbf{h} &= \phi(\mathbf{z}) \\
\mathbf{o} &= \mathbf{W}^{(2)} \mathbf{h} \\ """
RECURRENT = r"""\mathbf{h}_t &= \tanh(\mathbf{W}_{\text{hx}} \mathbf{x}_t + \mathbf{W}_{\text{hh}} \mathbf{h}_{t-1}) \\
\mathbf{o}_t &= \mathbf{W}_{\text{qh}} \mathbf{h}_t \\
\mathbf{h}_{t+1} &= \tanh(\mathbf{W}_{\text{hx}} \mathbf{x}_{t+1} + \mathbf{W}_{\text{hh}} \mathbf{h}_t) \\ """

TRUE = {
    # signs of definitions, upright transposes, numbers beside matrices
    "a definition with a colon": (r"y_i &:= x_i^2 \\ \frac{\partial y_i}{\partial x_j} &\equiv 2 x_i \delta_{ij}", "2 x_i", "x_i"),
    "definitions with signs of their own": (r"y &\coloneqq x^2 \\ z &\triangleq y^2 \\ \frac{dz}{dx} &= 4 x y", "4 x", "2 x"),
    "a transpose without braces": (r"\mathbf{C} &= \mathbf{A}^\mathsf{T} \mathbf{B}^{-\mathrm T} \\ \mathbf{C}^\mathrm{T} &= \mathbf{B}^{-1} \mathbf{A}", r"\mathbf{B}^{-1} \mathbf{A}", r"\mathbf{B}^{-1} \mathbf{A}^{\mathsf T}"),
    "a definition below its use": (r"L &= -y_i \log p_i \\ p_i &= \frac{q_i}{\sum_k q_k} \\ q_i &= e^{z_i} \\ \frac{\partial L}{\partial z_i} &= p_i \sum_k y_k - y_i", "- y_i" + "\0", "+ y_i"),
    "a directive that needs one below": ("% symmetric S\n% matrix S\n% samples k\n" r"f &= \sum_k \mathbf{x}_k^\top S_k \mathbf{x}_k \\ \frac{\partial f}{\partial \mathbf{x}_k} &= 2 S_k \mathbf{x}_k", "= 2", "= 3"),
    "a square before an index": (r"y_j &= \frac{x_j - m_j}{\sqrt{\sigma^2_j + \epsilon}} \\ \frac{\partial y_j}{\partial \sigma_i} &= -\delta_{ij} y_j \frac{\sigma_j}{\sigma^{2}_j + \epsilon}", "= -", "= "),
    "a function with a prime": (r"a_i &= \sigma(w_{ij} x_j) \\ \frac{\partial a_i}{\partial x_k} &= \sigma'(w_{ij} x_j) w_{ik}", " w_{ik}" + "\0", " w_{ki}"),
    "a declared function of several letters": ("% name net\n% function net\n" r"y_i &= net(x_i) \\ \frac{\partial y_i}{\partial x_j} &= net'(x_i) \delta_{ij}", "&= net'", "&= 2 net'"),
    "an upright transpose": (r"s &= \mathbf{w}^{\mathrm{T}} \mathbf{X}^{\text{T}} \mathbf{y} \\ \nabla_{\mathbf{w}} s &= \mathbf{X}^{\mathsf{T}} \mathbf{y}", r"&= \mathbf{X}^{\mathsf{T}}", r"&= 2 \mathbf{X}^{\mathsf{T}}"),
    "a number beside a matrix, in components": (r"\mathbf{A} &= \operatorname{sigmoid}(\mathbf{Z}) \\ \frac{\partial L}{\partial \mathbf{Z}} &= \frac{\partial L}{\partial \mathbf{A}} \odot \mathbf{A} \odot (1 - \mathbf{A})", "1 - ", "1 + "),
    # terms that lack an index which the left side names, or a sum around them
    "a difference along one axis": (r"d_{bh} &= x_{bh} - m_b \\ \frac{\partial d_{bh}}{\partial m_a} &= -\delta_{ab} \mathbf{1}_h", "&= -", "&= "),
    "a difference in a sum": (r"D &= \sum_n \sum_k r_{nk} (x_n - \mu_k)^2 \\ \frac{\partial D}{\partial \mu_k} &= -2 \sum_n r_{nk} (x_n - \mu_k)", "= -2", "= 2"),
    "a derivative and where it is taken": (r"g(x) &= a x^2 + b x \\ \frac{dg}{dx}(x) &= 2 a x + b", r"&= 2 a x + b", r"&= 2 a x^2 + b x"),
    "a second derivative by a square": (r"y &= a x^2 + x \\ \frac{d^2 y}{dx^2} &= 2 a, \quad \frac{\partial^3 y}{\partial x^3} = 0 a", "2 a,", "a,"),
    "a variance beside another equation": (r"m &= \frac{1}{N} \sum_{i=1}^{N} x_i, \quad \sigma^2 = \frac{1}{N} \sum_{i=1}^{N} (x_i - m)^2 \\ \frac{\partial \sigma^2}{\partial x_j} &= \frac{2}{N} (x_j - m)", r"\frac{2}", r"\frac{1}"),
    "a declared name with a number": ("% matrix W_1 X Y\n" r"Y &= X W_1 \\ \frac{\partial L}{\partial W_1} &= X^T \frac{\partial L}{\partial Y}", "X^T", "X"),
    "a declared factor": ("% scalar \\lambda\n" r"s &= \lambda(\sum_k x_k - 1) \\ \frac{\partial s}{\partial \lambda} &= \sum_k x_k - 1", "x_k - 1" + "\0", "x_k + 1"),
    "braces that are not seen": (r"y &= \frac{\log{\left(x\right)}}2 \\ \frac{dy}{dx} &= \frac{1}{2 x}", r"{2 x}", "{x}"),
    "arguments with bars": (r"D_{KL}(P || Q) &= \sum_x P_x \log\frac{P_x}{Q_x} \\ \frac{\partial D_{KL}}{\partial Q_x} &= -\frac{P_x}{Q_x}", "&= -", "&= "),
    "arguments and what is given": (r"P(X \mid \theta) &= \theta^9 (1-\theta)^4 \\ \frac{d}{d\theta} P(X \mid \theta) &= \theta^8 (1-\theta)^3 (9-13\theta)", "9-13", "9+13"),
    "a derivative that is set to 0": ("% stationary\n" r"s &= \sum_n r_n (\vec x_n - \vec m)^\top (\vec x_n - \vec m) \\ \frac{\partial s}{\partial \vec m} &= -2 \sum_n r_n (\vec x_n - \vec m) = \vec 0".replace("% st", "% vector \\vec x \\vec m\n% samples n\n% st"), "= -2", "= 2"),
    "a mean taken away": (r"h_{kl} &= x_{kl} - \frac{1}{N} \sum_{n=1}^{N} x_{nl} \\ \frac{\partial h_{kl}}{\partial x_{ij}} &= \delta_{ik} \delta_{jl} - \frac{1}{N} \delta_{jl}", r"- \frac{1}{N} \delta", r"- \delta"),
    # matrices, each with a change that makes it false
    "a weight": (LINEAR + r"\frac{\partial L}{\partial \mathbf{W}} &= \left(\frac{\partial L}{\partial \mathbf{Y}}\right)^\top \mathbf{X}", r")^\top \mathbf{X}", r") \mathbf{X}"),
    "an input": (LINEAR + r"\frac{\partial L}{\partial \mathbf{X}} &= \frac{\partial L}{\partial \mathbf{Y}} \mathbf{W}", r"}} \mathbf{W}", r"}} 2 \mathbf{W}"),
    "a bias": (LINEAR + r"\frac{\partial L}{\partial \mathbf{b}} &= \left(\frac{\partial L}{\partial \mathbf{Y}}\right)^\top \mathbf{1}", r"\mathbf{b}} &=", r"\mathbf{b}} &= -"),
    "a quadratic form": (r"\frac{\partial \mathbf{x}^T \mathbf{A} \mathbf{x}}{\partial \mathbf{x}} &= (\mathbf{A} + \mathbf{A}^T) \mathbf{x}", r"\mathbf{A} + \mathbf{A}^T", r"\mathbf{A} + \mathbf{A}"),
    "two names in one style": (r"\frac{\partial \mathbf{b}^T \mathbf{X}^T \mathbf{X} \mathbf{c}}{\partial \mathbf{X}} &= \mathbf{X}(\mathbf{b c}^T + \mathbf{c b}^T)", r"\mathbf{c b}", r"\mathbf{b c}"),
    "a Jacobian": (r"\mathbf{y} &= \mathbf{A}\mathbf{x} \\ \frac{\partial \mathbf{y}}{\partial \mathbf{x}} &= \mathbf{A}", r"&= \mathbf{A}" + "\0", r"&= 2 \mathbf{A}"),
    "a determinant": (r"\frac{\partial \det(\mathbf{X})}{\partial \mathbf{X}} &= \det(\mathbf{X})(\mathbf{X}^{-1})^T", ")^T", ")"),
    "its logarithm": (r"\frac{\partial \log\det(\mathbf{X})}{\partial \mathbf{X}} &= \mathbf{X}^{-\top}", r"-\top", "-1"),
    "an inverse": (r"(\mathbf{A}\mathbf{B})^{-1} &= \mathbf{B}^{-1}\mathbf{A}^{-1}", r"\mathbf{B}^{-1}\mathbf{A}^{-1}", r"\mathbf{A}^{-1}\mathbf{B}^{-1}"),
    "least squares": (NORMAL + r"\mathbf X^\top \mathbf X \mathbf{w} &= \mathbf X^\top \mathbf{y}", r"\mathbf{w} &= \mathbf X^\top", r"\mathbf{w} &= 2 \mathbf X^\top"),
    "and its Jacobian": (NORMAL + r"\frac{\partial \mathbf{w}}{\partial \mathbf{y}} &= (\mathbf X^\top \mathbf X)^{-1}\mathbf X^\top", r"}} &= (", r"}} &= -("),
    "a square of a matrix": (r"\mathbf{A}^2 \mathbf{x} &= \mathbf{A}\mathbf{A}\mathbf{x}", "^2", "^3"),
    "a trace": (r"\frac{\partial}{\partial \mathbf{X}} \operatorname{tr}(\mathbf{A}\mathbf{X}\mathbf{B}) &= \mathbf{A}^\top \mathbf{B}^\top", r"\mathbf{A}^\top", r"\mathbf{A}"),
    "a Frobenius norm": (r"\frac{\partial}{\partial \mathbf{X}} \|\mathbf{X}\|_F^2 &= \frac{\partial}{\partial \mathbf{X}} \operatorname{Tr}(\mathbf{X X}^H) = 2\mathbf{X}", r"= 2", r"= 3"),
    "a norm": (r"\frac{\partial}{\partial \mathbf{x}} \frac{\mathbf{x} - \mathbf{a}}{\|\mathbf{x} - \mathbf{a}\|_2} &= \frac{\mathbf{I}}{\|\mathbf{x} - \mathbf{a}\|_2} - \frac{(\mathbf{x} - \mathbf{a})(\mathbf{x} - \mathbf{a})^T}{\|\mathbf{x} - \mathbf{a}\|_2^3}", "^3", "^2"),
    "a norm of degree 1": (r"\left\| \mathbf{x} \right\|_1^2 &= \left( \sum_i \operatorname{abs}(\mathbf{x}_i) \right)^2", "_1^2 &=", "_2^2 &="),
    "inner products": (r"\langle \mathbf{A}, \mathbf{B} \rangle &= \operatorname{tr}(\mathbf{A}^\top \mathbf{B})", r"\operatorname{tr}(\mathbf{A}", r"2 \operatorname{tr}(\mathbf{A}"),
    "a dot between vectors": (r"\nabla_{\mathbf{x}} (\mathbf{x} \cdot \mathbf{y}) &= \mathbf{y}", r"&= \mathbf{y}", r"&= \mathbf{x}"),
    "a product of components": (r"(\mathbf{A} \odot \mathbf{B})_{ij} &= \mathbf{A}_{ij} \mathbf{B}_{ij}", r"\mathbf{B}_{ij}" + "\0", r"\mathbf{B}_{ji}"),
    "a Kronecker product": (r"\operatorname{vec}(\mathbf{A}\mathbf{X}\mathbf{B}) &= (\mathbf{B}^\top \otimes \mathbf{A}) \operatorname{vec}(\mathbf{X})", r"\mathbf{B}^\top", r"\mathbf{B}"),
    "an outer product": (r"\mathbf{Z} &= \mathbf{a} \otimes \mathbf{b} \\ \mathbf{Z} &= \mathbf{a}\mathbf{b}^\top", r"\mathbf{a}\mathbf{b}^", r"\mathbf{b}\mathbf{a}^"),
    "a scalar beside a column": (r"\mathbf{y} &= \frac{1}{\sigma} (\mathbf{x} - \mu) \\ \frac{\partial \mathbf{y}}{\partial \mu} &= -\frac{1}{\sigma} \mathbf{1}", "&= -", "&= "),
    "a diagonal": (r"\mathbf{p} &= \operatorname{softmax}(\mathbf{z}) \\ \frac{\partial \mathbf{p}}{\partial \mathbf{z}} &= \operatorname{diag}(\mathbf{p}) - \mathbf{p}\mathbf{p}^\top", "- \\mathbf{p}", "+ \\mathbf{p}"),
    "a derivative by a scalar": (r"\frac{\partial}{\partial a} \left( a \mathbf{A} \mathbf{x} \right) &= \mathbf{A} \mathbf{x}", r"&= \mathbf{A}", r"&= a \mathbf{A}"),
    "from components to matrices": ("% matrix G = \\frac{\\partial l}{\\partial z_{ij}}\n" r"z_{ij} &= x_{ik} w_{kj} \\ \frac{\partial l}{\partial w_{ij}} &= x_{ki} \frac{\partial l}{\partial z_{kj}} = x^\top G", r"= x^\top", r"= 2 x^\top"),
    "a matrix before a product": (r"\mathbf{P} &= \mathbf{X}^\top \mathbf{X} \\ \frac{\partial \det \mathbf{P}}{\partial \mathbf{X}} &= 2 \det(\mathbf{P}) \, \mathbf{X}\left(\mathbf{X}^\top \mathbf{X}\right)^{-1}", "= 2", "="),
    "declared names": ("% matrix A\n% vector x\n" r"\nabla_x (x^\top A x) &= A x + A^\top x", "+", "-"),
    "numbered vectors": ("% samples i\n" r"s &= \frac{1}{2} \sum_i (\mathbf{x}_i - \boldsymbol{\mu})^\top (\mathbf{x}_i - \boldsymbol{\mu}) \\ \frac{\partial s}{\partial \boldsymbol{\mu}} &= -\sum_i (\mathbf{x}_i - \boldsymbol{\mu})", "&= -", "&= "),
    "bars around a matrix": (r"\frac{\partial |\mathbf{X}|}{\partial \mathbf{X}} &= |\mathbf{X}| \mathbf{X}^{-\top}", r"-\top", "-1"),
    "their logarithm": (r"\ell &= -\frac{1}{2} \log |2 \pi \boldsymbol{\Sigma}| \\ \frac{\partial \ell}{\partial \boldsymbol{\Sigma}} &= -\frac{1}{2} \boldsymbol{\Sigma}^{-\top}", r"&= -\frac{1}", r"&= \frac{1}"),
    "bars around a determinant": (r"\frac{\partial \ln \left| \det \mathbf{X} \right|}{\partial \mathbf{X}} &= \mathbf{X}^{-\top}", r"-\top", "-1"),
    "bars around scalars": (r"y_i &= |x_i| |z| \\ \frac{\partial y_i}{\partial x_j} &= \operatorname{sign}(x_i) \lvert z \rvert \delta_{ij}", r"\lvert z \rvert", "z"),
    "bars in bars": (r"s &= \left| x - \left| y \right| \right| \\ s &= |x - \bigl| y \bigr| |", r"\bigl| y \bigr|", "y"),
    "bars in a function that is defined": (r"f(x) &= |x| \\ f'(x) &= \operatorname{sign}(x)", r"\operatorname{sign}(x)", r"\operatorname{sign}(-x)"),
    "a logarithm where rows may be fewer than columns": (r"\frac{\partial}{\partial \mathbf{X}} \log\det(\mathbf{X}^\top \mathbf{X}) &= 2 \mathbf{X} (\mathbf{X}^\top \mathbf{X})^{-1}", "= 2", "="),
    "a trace of a product without brackets": (r"\frac{\partial}{\partial \mathbf{X}} \operatorname{tr} \mathbf{A}\mathbf{X} &= \mathbf{A}^\top", r"^\top", ""),
    "its multiple beside a number": (r"s &= 2 \operatorname{tr} \mathbf{A} \mathbf{D}^\top + 1 \\ s &= 2 \operatorname{tr}(\mathbf{D}^\top \mathbf{A}) + 1", "+ 1", "- 1"),
    "a gradient of a product without brackets": (r"\nabla_\mathbf{x} \, \mathbf{x}^\top \mathbf{A} \mathbf{x} &= (\mathbf{A} + \mathbf{A}^\top) \mathbf{x}", "+", "-"),
    "a derivative of one, with a number": (r"\frac{\partial}{\partial \mathbf{x}} \frac{1}{2} \mathbf{x}^\top \mathbf{x} &= \mathbf{x}", r"\frac{1}{2} \mathbf", r"\frac{1}{3} \mathbf"),
    "a Hessian": (r"f &= \mathbf{x}^\top \mathbf{A} \mathbf{x} \\ \frac{\partial^2 f}{\partial \mathbf{x} \partial \mathbf{x}^\top} &= \mathbf{A} + \mathbf{A}^\top", r"+ \mathbf{A}^\top", r"+ \mathbf{A}"),
    "a second derivative by two vectors": (r"\frac{\partial^2}{\partial \mathbf{x} \partial \mathbf{y}^\top} \mathbf{x}^\top \mathbf{A} \mathbf{y} &= \mathbf{A}", r"&= \mathbf{A}" + "\0", r"&= \mathbf{A}^\top"),
    "the degree of a norm after its exponent": (r"\|\mathbf{x}\|^2_2 &= \mathbf{x}^\top \mathbf{x} \\ \|\mathbf{x}\|^2_1 &= \|\mathbf{x}\|_1 \|\mathbf{x}\|_1", "^2_1", "^2_2"),
    "a matrix before a product in brackets": (r"\mathbf{A}(\mathbf{B}\mathbf{C}) &= (\mathbf{A}\mathbf{B})\mathbf{C}", r"(\mathbf{A}\mathbf{B})", r"(\mathbf{B}\mathbf{A})"),
    "a matrix that is square by a trace above": (r"t &= \operatorname{tr}(\mathbf{A}) \\ \mathbf{A} (\mathbf{A}^\top \mathbf{A})^{-1} \mathbf{A}^\top &= \mathbf{I}", r"t &= \operatorname{tr}(\mathbf{A})", r"t &= \|\mathbf{A}\|_F"),
    "and by an inverse": (r"\mathbf{y} &= \mathbf{A}^{-1} \mathbf{x} \\ \mathbf{A} (\mathbf{A}^\top \mathbf{A})^{-1} \mathbf{A}^\top &= \mathbf{I}", r"\mathbf{A}^{-1}", r"\mathbf{A}"),
    "bars side by side as a norm": (r"||\mathbf{x}||^2_2 &= \mathbf{x}^\top \mathbf{x} \\ |y||z| &= |y z| \\ \left|\left|\mathbf{x}\right|\right|^2 &= ||\mathbf{x}||^2", "|y z|", "y z"),
    "names side by side in one style": (r"\frac{\partial \mathbf{Ax}}{\partial \mathbf{x}} &= \mathbf{A} \\ \operatorname{tr}(\mathbf{ABC}) &= \operatorname{tr}(\mathbf{B} \mathbf{C} \mathbf{A})", r"\mathbf{B} \mathbf{C} \mathbf{A}", r"\mathbf{C} \mathbf{B} \mathbf{A}"),
    "a trace of a scalar product": (r"\mathbf{x}^\top \mathbf{A} \mathbf{x} &= \operatorname{tr}(\mathbf{x}^\top \mathbf{A} \mathbf{x}) = \mathrm{tr}[\mathbf{A} \mathbf{x} \mathbf{x}^\top]", r"\mathrm{tr}", r"2 \mathrm{tr}"),
    "the smaller and the larger of two": (r"\max(a, b) + \min(a, b) &= a + b \\ \mathbf{y} &= \max(0, \mathbf{x}) \\ \frac{\partial L}{\partial \mathbf{x}} &= \frac{\partial L}{\partial \mathbf{y}} \odot \mathbb{1}[\mathbf{x} > 0]", r"> 0", r"< 0"),
    "components of bold names": (r"\hat{\mathbf{y}} &= \mathbf{W} \mathbf{x} \\ L &= \sum_i (\hat{y}_i - y_i)^2 \\ \frac{\partial L}{\partial w_{ij}} &= 2 (\hat{y}_i - y_i) x_j", "= 2", "= "),
    "a column by its components": (r"z &= w^\top x \\ \frac{\partial z}{\partial w_i} &= x_i", r"&= x_i", r"&= 2 x_i"),
    "a product of components as a ring": (r"\mathbf{Z} &= g(\mathbf{X}) \\ \frac{\partial L}{\partial \mathbf{X}} &= g'(\mathbf{X}) \circ \frac{\partial L}{\partial \mathbf{Z}}", r"g'(\mathbf{X}) \circ", r"g(\mathbf{X}) \circ"),
    "a factor before a bracket, by its use below": (r"\mathcal{L}(\mathbf{w}, \lambda) &= \mathbf{w}^\top \mathbf{a} - \lambda (\mathbf{w}^\top \mathbf{w} - 1) \\ \frac{\partial \mathcal{L}}{\partial \mathbf{w}} &= \mathbf{a} - 2 \lambda \mathbf{w}", "- 2", "+ 2"),
    "a component of a softmax": (r"\mathbf{p} &= \operatorname{softmax}(\mathbf{o}) \\ \operatorname{softmax}(\mathbf{o})_i &= p_i", r"_i &= p_i", r"_i &= 2 p_i"),
    # labels and words
    "capitals that are labels": (r"\mu_B &= \frac{1}{m} \sum_{i=1}^{m} x_i \\ \sigma_B^2 &= \frac{1}{m} \sum_{i=1}^{m} (x_i - \mu_B)^2 \\ \frac{\partial \sigma_B^2}{\partial x_j} &= \frac{2}{m} (x_j - \mu_B)", r"&= \frac{2}", r"&= \frac{1}"),
    "capitals on matrices": (r"\mathbf{Q} &= \mathbf{X} \mathbf{W}_Q, \quad \mathbf{K} = \mathbf{X} \mathbf{W}_K \\ \frac{\partial L}{\partial \mathbf{W}_K} &= \mathbf{X}^\top \frac{\partial L}{\partial \mathbf{K}}", r"\partial \mathbf{K}}" + "\0", r"\partial \mathbf{Q}}"),
    "letters below a declared name": ("% matrix W_{hh}\n% vector h\n" r"z &= h^\top W_{hh} h \\ \frac{\partial z}{\partial W_{hh}} &= h h^\top", r"= h h^", r"= 2 h h^"),
    "a word that is a name": (r"\text{MSE} &= \frac{1}{n} \sum_{i=1}^n (y_i - \hat{y_i})^2 \\ \frac{\partial \text{MSE}}{\partial \hat{y_i}} &= -\frac{2}{n} (y_i - \hat{y_i}) \text{Definition}", "= -", "= "),
    "samples as exponents": (r"h^{(i)} &= \sum_k \theta_k x^{(i)}_k \\ J &= \frac{1}{2m} \sum_{i=1}^{m} (h^{(i)} - y^{(i)})^2 \\ \frac{\partial J}{\partial \theta_j} &= \frac{1}{m} \sum_{i=1}^{m} (h^{(i)} - y^{(i)}) x_j^{(i)}", r"&= \frac{1}{m} \sum", r"&= \frac{2}{m} \sum"),
    "conditions after equations": (r"p_j &= \frac{e^{z_j}}{\sum_k e^{z_k}} \\ \frac{\partial p_j}{\partial z_i} &= p_i (1 - p_i), \quad i = j \\ \frac{\partial p_j}{\partial z_i} &= -p_i p_j \quad \text{if } i \neq j", r"\neq", "="),
    "an error with one index": (r"z_j &= \sum_k w_{jk} a_k \\ \delta_j &= \frac{\partial C}{\partial z_j} \\ \frac{\partial C}{\partial w_{jk}} &= \delta_j a_k", "= \\delta_j a_k", "= 2 \\delta_j a_k"),
    "a power of a function": ("% function g\n" r"\frac{d}{dx} g^2(x) &= 2 g(x) g'(x)", "= 2", "= "),
    "a one-hot vector": ("% index c\n" r"y_{bk} &= \mathbb{1}[c_b = k] \\ \sum_k y_{bk} &= \mathbf{1}_b", r"\mathbf{1}_b", r"2 \mathbf{1}_b"),
    # differentials
    "a differential of a product": (r"\mathbf{Y} &= \mathbf{X} \mathbf{W} \\ d\mathbf{Y} &= d\mathbf{X} \, \mathbf{W} + \mathbf{X} \, d\mathbf{W}", "+", "-"),
    "one with an upright d": (r"\mathbf{Y} &= \mathbf{X} \mathbf{W} \\ \mathrm{d}\mathbf{Y} &= \mathrm{d}\mathbf{X} \, \mathbf{W} + \mathbf{X} \, \mathrm{d}\mathbf{W}", r"\mathrm{d}\mathbf{W}", r"2 \mathrm{d}\mathbf{W}"),
    "that of a loss": (r"\mathbf{Y} &= \mathbf{X} \mathbf{W} \\ \mathbf{G} &= \frac{\partial \ell}{\partial \mathbf{Y}} \\ d\ell &= \operatorname{tr}(\mathbf{G}^\top d\mathbf{Y}) = \operatorname{tr}(\mathbf{G}^\top d\mathbf{X} \, \mathbf{W}) + \operatorname{tr}(\mathbf{G}^\top \mathbf{X} \, d\mathbf{W})", r"\mathbf{G}^\top d\mathbf{X}", r"\mathbf{G}^\top 2 d\mathbf{X}"),
    "that of an inverse": (r"d(\mathbf{X}^{-1}) &= -\mathbf{X}^{-1} (d\mathbf{X}) \mathbf{X}^{-1} \\ d\mathbf{X}^{-1} &= -\mathbf{X}^{-1} (d\mathbf{X}) \mathbf{X}^{-1}", "&= -", "&= "),
    "that of a determinant": (r"d|\mathbf{X}| &= |\mathbf{X}| \operatorname{tr}(\mathbf{X}^{-1} d\mathbf{X}) \\ d\log\det\mathbf{X} &= \operatorname{tr}(\mathbf{X}^{-1} d\mathbf{X})", "^{-1}", r"^{-\top}"),
    "those of other products": (r"d(\mathbf{A} \odot \mathbf{B}) &= d\mathbf{A} \odot \mathbf{B} + \mathbf{A} \odot d\mathbf{B} \\ d(\mathbf{A} \otimes \mathbf{B}) &= d\mathbf{A} \otimes \mathbf{B} + \mathbf{A} \otimes d\mathbf{B}", r"+ \mathbf{A} \otimes", r"- \mathbf{A} \otimes"),
    "that of a function": (r"\mathbf{f} &= \phi(\mathbf{z}) \\ d\mathbf{f} &= \phi'(\mathbf{z}) \odot d\mathbf{z} \\ d\mathbf{f} &= \frac{\partial \mathbf{f}}{\partial \mathbf{z}} d\mathbf{z}", r"} d\mathbf{z}", r"} 2 d\mathbf{z}"),
    "those of numbers": (r"y &= \tanh(x) \\ dy &= (1 - y^2) \, dx, \quad d(xz) = x \, dz + z \, dx", "+", "-"),
    "that of a function without its argument": (r"f(x) &= x^2 \\ df &= 2 x \, dx", "= 2", "= 3"),
    "those of components": (r"y_i &= w_{ij} x_j \\ \mathrm{d}y_i &= w_{ij} \, \mathrm{d}x_j + x_j \, \mathrm{d}w_{ij}", r"\mathrm{d}w_{ij}", r"\mathrm{d}w_{ji}"),
    "those beside constants": ("% constant w\n" r"y_i &= w_{ij} x_j \\ \mathrm{d}y_i &= w_{ij} \, \mathrm{d}x_j", r"w_{ij} \,", r"w_{ji} \,"),
    "that of numbered vectors": ("% samples n\n" r"s &= \sum_n \mathbf{w}^\top \mathbf{x}_n \\ ds &= \sum_n \mathbf{x}_n^\top d\mathbf{w} + \sum_n \mathbf{w}^\top d\mathbf{x}_n", r"+ \sum_n", r"- \sum_n"),
    "that of code": ("% let B = torch.linalg.inv(A)\n" r"dB_{ij} &= -B_{ik} dA_{kl} B_{lj}", "dA_{kl}", "dA_{lk}"),
    "a d that a row says to be a gradient": (r"\mathbf{Y} &= \mathbf{X} \mathbf{W} \\ d\mathbf{Y} &= \frac{\partial L}{\partial \mathbf{Y}} \\ d\mathbf{X} &= d\mathbf{Y} \mathbf{W}^\top, \quad d\mathbf{W} = \mathbf{X}^\top d\mathbf{Y}", r"\mathbf{W}^\top", r"\mathbf{W}"),
    "a name with a d": ("% matrix dout = \\frac{\\partial L}{\\partial y_{ij}}\n" r"y_{ij} &= x_{ik} w_{kj} \\ \frac{\partial L}{\partial x_{ij}} &= dout \, w^\top", r"w^\top", "w"),
    # labels
    "a transpose after a layer": (r"\mathbf{h} &= \phi(\mathbf{z}^{(1)}) \\ \mathbf{z}^{(2)} &= \mathbf{W}^{(2)} \mathbf{h} \\ \boldsymbol{\delta}^{(2)} &= \frac{\partial L}{\partial \mathbf{z}^{(2)}} \\ \frac{\partial L}{\partial \mathbf{z}^{(1)}} &= \left( \mathbf{W}^{(2)\top} \boldsymbol{\delta}^{(2)} \right) \odot \phi'(\mathbf{z}^{(1)})", r"\phi'", r"\phi"),
    "errors of layers": ("% function \\sigma\n" r"a^l_j &= \sigma(z^l_j) \\ z^{l+1}_j &= \sum_k w^{l+1}_{jk} a^l_k + b^{l+1}_j \\ \delta^{l+1}_j &= \frac{\partial C}{\partial z^{l+1}_j} \\ \delta^l_j &= \frac{\partial C}{\partial z^l_j} \\ \delta^l_j &= \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j)", "w^{l+1}_{kj}", "w^{l+1}_{jk}"),
    "layers": (NETWORK + r"\frac{\partial L}{\partial \mathbf{W}^{(1)}} &= \left( \left( (\mathbf{W}^{(2)})^\top \frac{\partial L}{\partial \mathbf{o}} \right) \odot \phi'(\mathbf{z}) \right) \mathbf{x}^\top", r"\phi'(", r"\phi("),
    "layers of components": (r"z^{[l]}_{i} &= W^{[l]}_{ij} a_j^{[l-1]} \\ \frac{\partial z^{[l]}_{i}}{\partial a^{[l-1]}_k} &= W_{ik}^{[l]}", r"&= W_{ik}", r"&= -W_{ik}"),
    "time": (RECURRENT + r"\frac{\partial L}{\partial \mathbf{h}_t} &= \mathbf{W}_{\text{hh}}^\top \left( \frac{\partial L}{\partial \mathbf{h}_{t+1}} \odot (\mathbf{1} - \mathbf{h}_{t+1} \odot \mathbf{h}_{t+1}) \right) + \mathbf{W}_{\text{qh}}^\top \frac{\partial L}{\partial \mathbf{o}_t}", r"- \mathbf{h}_{t+1} \odot", r"+ \mathbf{h}_{t+1} \odot"),
    "time of components": ("% label t\n" r"h_{ti} &= w_{ij} h_{t-1,j} + x_{t,i} \\ \frac{\partial h_{ti}}{\partial h_{t-1,k}} &= w_{ik}", r"&= w_{ik}", r"&= w_{ik} + \delta_{ik}"),
    "words": (r"x_{\text{out}} &= 2 x_{\mathrm{in}}^2 \\ \frac{\partial x_{\text{out}}}{\partial x_{\text{in}}} &= 4 x_{\text{in}}", "= 4", "= 2"),
    "a variance": (r"\sigma^2 &= \frac{1}{2} (x - \mu)^2 \\ \frac{\partial \log(\sigma^2 + 1)}{\partial \sigma^2} &= \frac{1}{\sigma^2 + 1}", r"{\sigma^2 + 1}", r"{\sigma^2 + 2}"),
    "a variance of a set": (r"\sigma_\mathcal{B}^2 &= \frac{1}{2} (x - \mu_\mathcal{B})^2 \\ \frac{\partial \log(\sigma_{\mathcal{B}}^{2} + 1)}{\partial \sigma_\mathcal{B}^2} &= \frac{1}{\sigma_\mathcal{B}^2 + 1}", r"_\mathcal{B}^2 + 1}", r"_\mathcal{B}^2 + 2}"),
    "an optimum": (r"w^* &= 2 y \\ \frac{\partial w^*}{\partial y} &= 2", "&= 2" + "\0", "&= 1"),
    "names of several letters": ("% name FL\n" r"p &= \operatorname{sigmoid}(x) \\ FL &= -(1-p)^2 \log p, \quad \frac{dFL}{dx} = (1-p)^2 (2 p \log p + p - 1)", "2 p", "p"),
    "gradients by a d": ("% gradient L\n" r"\mathbf{S} &= \mathbf{Q}\mathbf{K}^T \\ \mathbf{dQ} &= \mathbf{dS} \mathbf{K}, \quad \mathbf{dK} = \mathbf{dS}^T \mathbf{Q}", r"dS}^T", r"dS}"),
    # functions
    "a function that is defined": (r"\sigma(x) &= \frac{1}{1+e^{-x}} \\ \frac{d\sigma(x)}{dx} &= \left( 1 - \sigma(x) \right) \sigma(x)", "( 1 -", "( 2 -"),
    "it, of a vector": (r"\sigma(x) &= \frac{1}{1+e^{-x}} \\ \mathbf{y} &= \sigma(\mathbf{z}) \\ \frac{\partial \mathbf{y}}{\partial \mathbf{z}} &= \operatorname{diag}(\sigma'(\mathbf{z}))", "\\sigma'(", "\\sigma("),
    "it, of a matrix": (r"f(x) &= x^2 \\ \mathbf{Y} &= f(\mathbf{A}) \\ \mathbf{Y} &= \mathbf{A} \odot \mathbf{A}", r"\odot", ""),
    "one with constant vectors": (r"f(x) &= x \mathbf{a}^\top \mathbf{b} \\ f(2) &= 2 \mathbf{b}^\top \mathbf{a}", "= 2", "= 3"),
    "and its prime": (r"\sigma(x) &= \frac{1}{1+e^{-x}} \\ y_i &= \sigma'(z_i) \\ y_i &= \sigma(z_i) \sigma(-z_i)", r"(-z_i)", r"(z_i)"),
    "a function without its argument": (r"\sigma(x) &= \frac{1}{1+e^{-x}} \\ \frac{d\sigma}{dx} &= (1 - \sigma) \, \sigma", "(1 -", "(2 -"),
    "a loss with its arguments": (r"L(\mathbf{w}, b) &= (\mathbf{w}^\top \mathbf{x} + b - y)^2 \\ \nabla_{\mathbf{w}} L(\mathbf{w}, b) &= 2 (\mathbf{w}^\top \mathbf{x} + b - y) \, \mathbf{x} \\ \frac{\partial L}{\partial b} &= 2 (\mathbf{w}^\top \mathbf{x} + b - y)", r"{\partial b} &= 2", r"{\partial b} &= "),
    "its sums beside an index of its argument": (r"f(x) &= x a_i a_i \\ y_i &= f(b_i) \\ y_i &= b_i a_k a_k", "a_k a_k", "a_i^2"),
    "it twice, with a sum": (r"f(x) &= x a_i a_i \\ f(p) f(q) &= p q a_i a_i a_j a_j", "a_j a_j", "a_j a_j a_j"),
    "it beside a constant index": ("% fixed T\n" r"f(x) &= x a_T \\ y_i &= b_i f(q) a_T \\ y_i &= b_i q a_T^2", "a_T^2", "a_i a_T"),
    "the prime of a sum": (r"J(w) &= \frac{1}{N} \sum_n (y_n - w x_n)^2 \\ J'(w) &= -\frac{2}{N} \sum_n (y_n - w x_n) x_n", "{2}{N}", "{1}{N}"),
    "the prime of a negative power": (r"f(x) &= x^{-2} \\ f'(x) &= -2 x^{-3}", "-3", "-2"),
    "the prime of a power with a letter": (r"f(x) &= x^c \\ f'(x) &= c x^{c-1}", "c-1", "c"),
    "a function of what its definition hides": (r"u &= w x \\ J(w) &= (y - u)^2 \\ \frac{d J(w)}{d w} &= -2 (y - u) x", "-2", "2"),
    "a function that is declared": ("% function \\sigma = sigmoid\n" r"\sigma'(x) &= (1 - \sigma(x)) \sigma(x)", "(1 -", "(2 -"),
    "an arbitrary one": ("% function g\n" r"y_i &= g(x_i) \\ \frac{\partial y_i}{\partial x_j} &= g'(x_i) \delta_{ij}", "g'", "g"),
    "GELU": ("% function \\Phi = normalcdf\n% function \\phi = normalpdf\n" r"y &= x \Phi(x), \quad \frac{dy}{dx} = \Phi(x) + x \phi(x)", r"+ x \phi", r"- x \phi"),
    "softmax over an index": (r"P_{ij} &= \operatorname{softmax}_j(s_{ij}) \\ P_{ij} &= \frac{e^{s_{ij}}}{\sum_k e^{s_{ik}}}", "s_{ik}", "s_{kj}"),
    "softmax of what a condition leaves": (r"P_{ij} &= \operatorname{softmax}_j(s_{ij} \mathbb{1}[j \le i]) \\ P_{ij} &= \frac{e^{s_{ij} \mathbb{1}[j \le i]}}{\sum_k e^{s_{ik} \mathbb{1}[k \le i]}}", r"[k \le i]", r"[i \le k]"),
    "log-sum-exp": (r"\nabla_{\mathbf{z}} \operatorname{logsumexp}(\mathbf{z}) &= \operatorname{softmax}(\mathbf{z})", r"&= \op", r"&= 2 \op"),
    "upright names": (r"F &= \text{tr}(\mathbf{A}) \\ F &= \mathrm{tr}(\mathbf{A}^\top)", r"^\top", "^2"),
    # more than one equation, and decoration
    "equations side by side": (r"a &= 2 x, \quad b = 3 x \qquad c = a b \\ c &= 6 x^2", "6", "5"),
    "so": (r"a &= 2 x \Rightarrow \frac{da}{dx} = 2", "= 2\0", "= 1"),
    "boxes and braces": (r"y_i &= \boxed{x_i + z_i} w_i \\ &= \underbrace{x_i w_i}_{\text{one}} + {\color{red} z_i} w_i", "+ {", "- {"),
    "an environment": (r"\begin{aligned} \large y &= x^2 \\ \frac{dy}{dx} &= 2 x \tag{1}\label{eq:y} \end{aligned}", "2 x", "3 x"),
    # conditions
    "a sum of negatives": (r"s &= \sum_i -2 x_i y_i \\ \frac{\partial s}{\partial x_k} &= -2 y_k", "= -2 y", "= 2 y"),
    "all but one": (r"s_i &= \sum_{j \ne i} x_j y_i \\ \frac{\partial s_i}{\partial x_k} &= y_i \cdot (\mathbf{1}_i \mathbf{1}_k - \delta_{ik})", r"- \delta", r"+ \delta"),
    "pairs": (r"E &= \sum_{i<j} x_i x_j \\ \frac{\partial E}{\partial x_k} &= \sum_{j \ne k} x_j", r"\sum_{j \ne k}", r"2 \sum_{j \ne k}"),
    "an indicator": (r"y_t &= \sum_s \mathbb{1}[s \le t] x_s \\ \frac{\partial y_t}{\partial x_s} &= \mathbb{1}[t \geq s]", r"\geq", ">"),
    "a product over an index": (r"P &= \prod_i x_i \\ \frac{\partial P}{\partial x_j} &= \frac{P}{x_j}", r"\frac{P}{x_j}", r"P x_j"),
    "the largest": (r"m_i &= \max_j x_{ij} \\ m_i &= -\min_j (-x_{ij})", r"\min_j (-x", r"\max_j (-x"),
}  # fmt: skip


def _rejected(text: str) -> bool:
    """Return whether a text is false, or has shapes that do not fit."""
    try:
        return not verify(text)
    except NotationError as error:
        return "fit" in error.expected or "shape" in error.expected


def _replaced(text: str, old: str, new: str) -> str:
    """Return a text with the last place of a part changed; a part ends the text if a NUL stands after it."""
    if old.endswith("\0"):
        assert text.endswith(old[:-1])
        return text[: -len(old) + 1] + new
    assert old in text
    return new.join(text.rsplit(old, 1))


@pytest.mark.parametrize(("text", "old", "new"), TRUE.values(), ids=TRUE.keys())
def test_a_true_row_holds_and_a_change_in_it_does_not(text: str, old: str, new: str) -> None:
    derivation = verify(text)
    assert derivation, str(derivation)
    assert any(line.kind == "claim" for line in derivation.lines)
    assert _rejected(_replaced(text, old, new))


REFUSED = {
    "a square or a layer": (r"a^2_j &= \sum_k w^2_{jk} a^1_k", "a second exponent or index"),
    "other arguments of a name that has some": (r"p(x, y) &= x y \\ s &= p(x + y)", "p before a bracket could be"),
    "arguments that are indices": (r"\pi(a|s) &= \frac{e^{t_{sa}}}{\sum_b e^{t_{sb}}}", "could be a function or a factor"),
    "the place of a derivative, or a factor": (r"y &= x^2 \\ \frac{dy}{dx}(z) &= 2 z", "is this where the derivative is taken, or a factor?"),
    "a number there": (r"y &= x^2 \\ \frac{dy}{dx}(2) &= 4 x", "is this where the derivative is taken"),
    "a sum there, of a function": (r"g(x) &= x^2 \\ \frac{dg}{dx}(x + 1) &= 2 x (x + 1)", "is this where the derivative is taken"),
    "braces around more than a bracket": (r"y &= \log{x^2}", "braces are not seen"),
    "and around two": (r"y &= \log{(x)(z)}", "braces are not seen"),
    "a second derivative by a variance": (r"y &= \sigma^2 x, \quad \frac{\partial^2 y}{\partial \sigma^2} = 2 x", "a derivative of order 2 by 1 tensors"),
    "columns side by side": (r"s &= \mathbf{x}\mathbf{y}", "x is a column (n × 1), and y is a column (n × 1), but they are multiplied"),
    "a cross product": (r"\mathbf{a} \times \mathbf{b} &= \mathbf{a} \cdot \mathbf{b}", "a is a column (n × 1), and b is a column (n × 1), but they are multiplied"),
    "outer or Kronecker products of vectors": (r"\mathbf{a} \otimes \mathbf{b} &= \mathbf{b} \otimes \mathbf{a}", "nothing says which shape a ⊗ b has"),
    "a trace of a Jacobian, or its diagonal": (r"y_i &= x_i^2 \\ \frac{\partial y_i}{\partial x_i} &= 2 \sum_j x_j", "is i summed in ∂y_i/∂x_i?"),
    "a Laplacian, or the diagonal of a Hessian": (r"s &= x_i x_i \\ \frac{\partial^2 s}{\partial x_i \partial x_i} &= 2", "is i summed in ∂/∂x_i (∂s/∂x_i)?"),
    "a function above its definition": (r"\log \sigma(x) &= -\log(1 + e^{-x}) \\ \sigma(x) &= \frac{1}{1+e^{-x}}", "σ is used above its definition, or in it"),
    "a function in its definition": (r"f(x) &= f(x-1) + 1 \\ f(3) &= f(2) + 1", "f is used above its definition, or in it"),
    "a number after a name": (r"y &= x2 \\ y &= 2x", "a number after x could be an index or an exponent"),
    "a prime of what is defined": (r"y &= x^2 \\ y' &= 3 x \\ x y' &= 3 x^2", "is y' the derivative of y, or a name of its own?"),
    "an argument that is computed from another": (r"u &= w x \\ L(w, u) &= u^2 + w^2 \\ \frac{\partial L}{\partial w} &= 2 u x + 2 w", "u, an argument of L, is computed from w"),
    "a scalar beside a matrix": (r"\mathbf{B} &= \mathbf{A} + 1", "A is a matrix (n × m), and 1 is a scalar"),
    "a scalar beside a product of matrices": (r"\mathbf{B} &= \lambda + \mathbf{A}\mathbf{A}", "λ is a scalar, and A A is a matrix (n × m)"),
    "sides of two shapes": (r"\mathbf{A} &= \mathbf{x}", "A is a matrix (n × m), and x is a column (n × 1)"),
    "a transpose of a scalar": (r"z &= x^T y", "the transpose of x, which is a scalar"),
    "a product without brackets": (r"\mathbf{z} &= \mathbf{X}\mathbf{y} \odot \mathbf{w}", "X y stands without brackets"),
    "a square of a vector": (r"y &= \mathbf{x}^2", "a power of x, which is a column (n × 1)"),
    "a quotient by a matrix": (r"\mathbf{B} &= \frac{1}{\mathbf{A}}", "a quotient by A, which is a matrix (n × m)"),
    "a matrix by a matrix": (r"\mathbf{B} &= \mathbf{A}^2 \\ \frac{\partial \mathbf{B}}{\partial \mathbf{A}} &= \mathbf{A}", "the derivative of B, which is a matrix (n × m), by A"),
    "softmax of a matrix": (r"\mathbf{P} &= \operatorname{softmax}(\mathbf{S})", "softmax of S, which is a matrix (n × m)"),
    "the wrong number of indices": (r"(\mathbf{A}\mathbf{B})_{i} &= 1", "1 index on A B"),
    "a vector on the left of components": (r"y_{ij} &= \mathbf{x}", "y_{ij} has 2 indices, and x is a column (n × 1)"),
    "vectors with numbers": (r"\mathbf{y} &= \mathbf{x}_i", "y is a column (n × 1), and x_i is a scalar"),
    "a vector that could be numbered": (r"y_i &= \mathbf{w}^\top \mathbf{x}_i", "the index i stands in wᵀ x_i, which is a row"),
    "one that is added": (r"\mathbf{y}_i &= \mathbf{x}_i + \mathbf{b}", "the index i stands in x_i + b, which is a column"),
    "indices that could be a label": (r"\mathbf{y} &= \mathbf{W}_{hh} \mathbf{x}", "the index h stands in W_{hh} x"),
    "a norm of a component": (r"s &= \|\mathbf{x}_1 - \mathbf{x}_2\|^2", "the norm of x_1 − x_2, which is a scalar"),
    "a second derivative by two vectors": (r"s &= \mathbf{x}^\top \mathbf{A} \mathbf{y} \\ \frac{\partial^2 s}{\partial \mathbf{x} \partial \mathbf{y}} &= \mathbf{A}", "y or x could give the rows"),
    "a power of the components of a matrix": (r"\mathbf{B} &= \exp(\mathbf{A})^2", "a power of exp(A), which is a matrix"),
    "a quotient that could be a derivative": (r"d &= 2 x \\ a &= 3 b \\ y &= \frac{d a}{d b}", "d is a scalar on this page"),
    "a term that could begin an equation": (r"a &= x \quad - y = 2 x", "another term or another equation?"),
    "ones of any number": (r"s &= \mathbf{1}^\top \mathbf{1}", "nothing says how many components are summed in (1)ᵀ 1"),
    "an identity of any size": (r"s &= \operatorname{tr}(\mathbf{I}) \, x", "how many components are summed in tr(I) x"),
    "a product of what": (r"P &= \prod_i x_i y", "does \\prod apply to all of x_i y?"),
    "the largest of what": (r"m_k &= \max_j x_j y_k", "does \\max apply to all of x_j y_k?"),
    "capitals that could be indices": (r"s &= x_I n_I \\ s^2 &= x_I^2 n_I^2", "the capital I as an index"),
    "a capital of a name with other indices": (r"p_i &= e^{x_i} \\ l &= -\log p_T", "the capital T as an index"),
    "a function of a function": (r"h &= f \circ g", "could be a function of a function"),
    "a vector with a number of its own": ("% vector x_i\n% samples i\n" r"y_i &= x_i^\top w", "x_i with an index in '% vector'"),
    "a scalar product of components": (r"s &= \langle \mathbf{x}_i, \mathbf{y}_i \rangle", "an inner product of"),
    "components in another style": (r"\operatorname{tr}(\mathbf{X}) &= X_{ii} \\ y &= \mathbf{X}_{0,0}", r"X with indices and \mathbf{X} without are two names"),
    "nothing below": (r"\nabla y &= 2", "∇ without the tensor below"),
    "another norm": (r"n &= \|\mathbf{x}\|_3", "a norm of another kind"),
    "the prime of a product over an index": (r"f(x) &= \prod_i (x a_i) \\ f'(x) &= 1", "no rule for the derivative of ∏_i x a_i"),
    "the derivative of a function by a product": (r"f(x) &= \frac{\partial}{\partial x} x^3 \\ f(2 y) &= 12 y^2", "no rule for the derivative of ∂/∂x (x^3) by 2 y"),
    "the prime of what hides its argument": (r"u &= w x \\ J(w) &= (y - u)^2 \\ J'(w) &= 0", "u in its definition is computed from it"),
    "another argument where one is hidden": (r"u &= w x \\ J(w) &= (y - u)^2 \\ J(q) &= (y - u)^2", "u in its definition is computed from it"),
    "bars around a vector": (r"s &= |\mathbf{x}|", "bars around x, which is a column"),
    "bars that are not closed": (r"s &= |x + y", "the text ends too early"),
    "a spectral norm": (r"s &= \|\mathbf{A}\|_2^2", "the norm ‖…‖₂ of A, which is a matrix"),
    "the Hessian or the Laplacian": (r"\mathbf{H} &= \nabla^2_\mathbf{x} f", "∇ without the tensor below"),
    "and after the tensor": (r"\mathbf{H} &= \nabla_\mathbf{x}^2 f", "the Hessian or the Laplacian"),
    "a gradient of a first factor": (r"\nabla_\mathbf{x} \lambda \mathbf{x}^\top \mathbf{x} &= 2 \lambda \mathbf{x}", "is all of λ xᵀ x differentiated?"),
    "a derivative by a scalar of a first factor": (r"\frac{\partial}{\partial t} \mathbf{x}^\top \mathbf{x} &= 0", "is all of xᵀ x differentiated?"),
    "a gradient of a first term": (r"\nabla_\mathbf{x} \mathbf{x}^\top \mathbf{x} + \mathbf{b}^\top \mathbf{x} &= 2 \mathbf{x} + \mathbf{b}", "is what follows differentiated too?"),
    "a trace between matrices": (r"\mathbf{B} &= \mathbf{C} \operatorname{tr} \mathbf{A} \mathbf{D}", "where does the argument of tr end?"),
    "a determinant before a scalar": (r"s &= \det \mathbf{A} \lambda", "where does the argument of det end?"),
    "a matrix before one in brackets": (r"\mathbf{y} &= \mathbf{A}(\mathbf{x})", "A before a bracket could be a function"),
    "an error whose layer is an index": (r"y &= \delta^l x_l z_l", "δ is the Kronecker delta here"),
    "a factor d, or a differential": (r"z &= d x", "z has no differential, beside dx"),
    "terms of which one has a d": (r"d(x y) &= x \, dy + y", "only some terms of"),
    "two differentials in a product": (r"d(x y) &= dx \, dy", "a product of differentials"),
    "a differential in a function": (r"y &= e^{-d x}", "a differential inside of exp(−dx)"),
    "a quotient of differentials": (r"y &= x^3 \\ dy / dx &= 3 x^2", "dy/dx is a derivative"),
    "a differential of a differential": (r"d(d x) &= 0", "a differential of a differential"),
    "the square of a differential": (r"dx^2 &= 2 x \, dx", "where does the differential end?"),
    "gradients, or differentials of inputs": (r"\mathbf{Y} &= \mathbf{X} \mathbf{W} \\ d\mathbf{X} &= d\mathbf{Y} \mathbf{W}^\top", "X is an input, so that dX is arbitrary"),
    "a differential of a constant": ("% constant x\n" r"dx &= 0", "dx is 0"),
    "a differential with dots": (r"z_{a \dots b} &= 2 x_{a \dots b} \\ dz_{a \dots b} &= 2 dx_{a \dots b}", "which has dots"),
    "a trace of a letter": (r"s &= \operatorname{tr}(A B)", "tr of A B, which is a scalar"),
    "a norm of a letter": (r"s &= ||x||", "the norm of x, which is a scalar"),
    "a function without a name": ("% function\nx &= x", "'% function' without a name"),
    "a condition after the first row of a name": (r"y_{ij} &= x_i z_j \quad \text{if } i \neq j", "y_{ij} would be defined where a condition holds only"),
    "two conditions": (r"y_{ijk} &= x_i x_j x_k \\ y_{ijk} &= x_i^2 x_k \quad i = j \text{ and } j = k", "j is an index in this row"),
    "a condition on what is no index": (r"y_i &= x_i \\ y_i &= 2 x_i \quad i = j", "i is an index in this row"),
    "a condition with a number out of reach": (r"y_i &= x_i \\ y_i &= 2 x_i \quad i = 5000", "a condition that needs 5002 values"),
    "two names of components": (r"\mathbf{y} &= \mathbf{W} \mathbf{x} \\ w_{jk} &= 2 W_{jk}", r"W and w could both be components of \mathbf{W}"),
    "a loss at two places": (r"L(\mathbf{w}) &= \mathbf{w}^\top \mathbf{w} \\ L(\mathbf{z}) &= \mathbf{z}^\top \mathbf{z}", r"L has other arguments in L(\mathbf{w})"),
    "a loss of components at two places": (r"J(\theta) &= \sum_j \theta_j^2 \\ J(\phi) &= J(\theta)", "J has other arguments in J(\\theta)"),
    "the prime of a loss of components": (r"H(p) &= -\sum_i p_i \log p_i \\ H'(p) &= 0", "H' before a bracket could be a function"),
    "a function of one and of two": (r"f(x, y) &= x y \\ f(x) &= x^2 \\ f(x, y) &= f(x)", "f has other arguments in f(x, y)"),
    "an assignment": (r"\theta_j &:= \theta_j - \alpha \frac{\partial J}{\partial \theta_j}", "θ_j on both sides of := is an assignment"),
    "a loss of a number": (r"L(w, 1) &= w^2 \\ L(w, 2) &= L(w, 1)", "L before a bracket could be a function"),
    "a power beside samples": (r"s &= \sum_t g^t r^{(t)}", "t as an exponent could be a power or an index"),
    "a capital that is summed": (r"C_{IJ} &= A_{IK} B_{KJ}", "the capital I as an index"),
    "a set beside all values": (r"s &= \sum_{i \in S} x_i \\ t &= \sum_i x_i", "a sum over a set, or over all values?"),
    "one index from 0 and from 1": (r"s &= \sum_{i=0}^{n-1} x_i \\ t &= \sum_{i=1}^{n} x_i", "sums over i count from 0, and from 1"),
    "a function that is not known": ("% function g = wave\nx &= x", "wave is no function"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "fault"), REFUSED.values(), ids=REFUSED.keys())
def test_what_could_mean_two_things_or_nothing_is_refused(text: str, fault: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(text)
    assert fault in caught.value.fault
    assert caught.value.expected


KEPT = {
    "the end of a sum": (r"m &= \frac{1}{n} \sum_{i=1}^{n} x_i", r"n &= 3 y", "n was the range of i"),
    "an axis with another end": (r"s &= \sum_{i=1}^{n} x_i", r"t &= \sum_{j=1}^{k} x_j", "k and n are the number of values"),
    "a name with indices": (r"p_i &= e^{x_i}", r"l &= -\log p_T", "the capital T as an index"),
    "a capital that is a label": (r"l &= -\log p_T", r"p_i &= e^{x_i}", "an index on p"),
    "a sample": (r"s &= \sum_i z^{(i)}", r"\frac{\partial s}{\partial z^{(1)}} &= 0", "a name of its own"),
    "a layer": (r"h^{(1)} &= 2 x", r"s &= \sum_i h^{(i)}", "a name of its own"),
    "a label beside a vector": (r"y &= x_T", r"\mathbf{x} &= 2 \mathbf{z}", r"x_{T} could be a component of \mathbf{x}"),
    "a vector beside a label": (r"\mathbf{x} &= 2 \mathbf{z}", r"y &= x_T", r"x_{T} could be a component of \mathbf{x}"),
    "a set": (r"s &= \sum_{i \in \mathcal{S}} x_i", r"t &= \sum_i x_i", "a sum over a set, or over all values?"),
    "an index in brackets": (r"s &= \sum_i x^{(i)}", r"t &= \sum_i g^i x_i", "i is an index here, and has no value"),
    "a function of another number of arguments": (r"f(x) &= x^2", r"f(x, y) &= x y", "f has other arguments in f(x, y)"),
    "a function of the name of a scalar": (r"f &= x^2", r"f'(x) &= 2 x", "f' before a bracket could be a function"),
    "the arguments of a loss": (r"L(\mathbf{w}) &= \mathbf{w}^\top \mathbf{w}", r"L(\mathbf{z}) &= 2", "L has other arguments"),
    "components": (r"y_i &= 2 x_i", r"\mathbf{y} &= 3 \mathbf{x}", "two names"),
}  # fmt: skip


@pytest.mark.parametrize(("above", "text", "fault"), KEPT.values(), ids=KEPT.keys())
def test_what_is_read_keeps_its_meaning_on_a_page(above: str, text: str, fault: str) -> None:
    page = Derivations()
    page.check(above)
    with pytest.raises(NotationError) as caught:
        page.check(text)
    assert fault in caught.value.fault


def test_components_of_a_bold_name_are_its_own_on_a_page() -> None:
    page = Derivations()
    page.check(r"\mathbf{y} &= 2 \mathbf{x}")
    assert [line.verdict for line in page.check(r"y_i &= 2 x_i").lines] == ["proved"]
    assert not page.check(r"y_i &= 3 x_i")


def test_declarations_hold_to_the_end_of_the_page() -> None:
    page = Derivations()
    assert page.check("% matrix A\n% function f\n% label t\ny &= \\operatorname{tr}(A) + f(x_t)")
    assert page.check(r"\frac{\partial y}{\partial A} &= \mathbf{I}, \quad \frac{\partial y}{\partial x_t} = f'(x_t)")
    assert page.check(r"\operatorname{tr}(A^\top) + f(x_t) &= y")


HINTS = {
    "a transpose": r"s &= \mathbf{w}^\top \mathbf{x}_i",
    "a mean": r"\boldsymbol{\mu} &= \frac{1}{I} \sum_i \mathbf{x}_i",
    "a bias": r"\mathbf{y}_i &= \mathbf{W} \mathbf{x}_i + \mathbf{b}",
    "an inner product": r"s_i &= \langle \mathbf{w}, \mathbf{x}_i \rangle",
    "a product": r"s_{ij} &= \mathbf{x}_i^\top \mathbf{x}_j",
}


@pytest.mark.parametrize("text", HINTS.values(), ids=HINTS.keys())
def test_where_shapes_do_not_fit_a_component_the_message_asks_if_it_is_a_vector(text: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(text)
    assert caught.value.expected.startswith("'% samples i', if i numbers vectors; or ")


REMEDIES = {
    "a bias": (r"\mathbf{Y} &= \mathbf{X} \mathbf{W} + \mathbf{b}", r"\mathbf{1} b^\top, to add it to each row"),
    "a gradient as a row": (r"s &= \mathbf{a}^\top \mathbf{x} \\ \frac{\partial s}{\partial \mathbf{x}} &= \mathbf{a}^\top", "has that of the tensor below"),
    "a derivative by a transpose": (r"\frac{\partial s}{\partial \mathbf{x}^\top} &= 1", r"\partial x: a Jacobian has a column"),
    "a derivative by a square": (r"\frac{\partial^2 s}{\partial x_i^2} &= 6 x_i", r"\partial x_i \partial x_i for a second derivative"),
    "a star": (r"\mathbf{z} &= \mathbf{x} * \mathbf{y}", r"\odot for a product of components"),
    "bars around a vector": (r"s &= |\mathbf{x}|", r"\|…\| for a norm"),
    "a spectral norm": (r"s &= \|\mathbf{A}\|_2", r"\|…\|_F"),
    "an activation": (r"\mathbf{h} &= \sigma(\mathbf{W} \mathbf{x} + \mathbf{b})", r"'% function \sigma'"),
    "a scalar on a diagonal": (r"\mathbf{B} &= \mathbf{A} + \lambda", r"\mathbf{I} or \mathbf{1}"),
    "a square of components": (r"\mathbf{z} &= \mathbf{x}^2", r"\odot"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "remedy"), REMEDIES.values(), ids=REMEDIES.keys())
def test_the_message_about_a_common_mistake_says_what_to_write(text: str, remedy: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(text)
    assert remedy in caught.value.expected


def test_a_false_line_asks_which_function_is_meant() -> None:
    derivation = verify(r"\sigma'(z) &= \sigma(z) (1 - \sigma(z))")
    assert not derivation
    assert r"σ is arbitrary here: a row 'σ(x) = …' or '% function'" in str(derivation)


def test_what_is_clear_beside_these_is_read() -> None:
    assert verify(
        r"s &= \mathbf{x}^\top \mathbf{A} \mathbf{x} \\ \frac{\partial^2 s}{\partial \mathbf{x} \partial \mathbf{x}} &= \mathbf{A} + \mathbf{A}^\top"
    )
    assert verify(r"P &= \prod_i \left( x_i y_i \right) \\ P &= \left( \prod_i x_i \right) \prod_j y_j")
    assert verify(r"\mathbf{z} &= \mathbf{I} \mathbf{1} + \mathbf{x} \\ \mathbf{z} &= \mathbf{1} + \mathbf{x}")
    assert verify(r"\mathbf{B} &= \exp^2(\mathbf{A}) \\ \mathbf{B} &= \exp(2 \mathbf{A})")
    assert verify(r"a &= x \quad + y, \quad b = x \quad y \\ a b &= x^2 y + x y^2")
    assert verify(
        r"\mathbf{y} &= \mathbf{z} - \max_j \mathbf{z}_j \\ \mathbf{y} + \mathbf{1} \max_j \mathbf{z}_j &= \mathbf{z}"
    )


@pytest.mark.parametrize(
    ("text", "constant"),
    [
        (
            r"\mathbf{Y} &= \mathbf{X} \mathbf{W} \\ d\mathbf{Y} &= d\mathbf{X} \, \mathbf{W}",
            r"W is constant: write '% constant \mathbf{W}'",
        ),
        (
            r"d(\mathbf{x}^\top \mathbf{A} \mathbf{x} c) &= c \mathbf{x}^\top (\mathbf{A} + \mathbf{A}^\top) d\mathbf{x}",
            "c and A are constant",
        ),
    ],
)
def test_a_differential_that_holds_for_constants_only_is_refused_with_this_question(text: str, constant: str) -> None:
    *_, line = verify(text).lines
    assert not line.holds
    assert line.message.startswith("refused: ")
    assert constant in line.message


def test_a_constant_stays_so_to_the_end_of_the_page() -> None:
    page = Derivations()
    assert page.check("% constant w\n" r"y_i &= w_{ij} x_j \\ dy_i &= w_{ij} dx_j")
    assert page.check(r"z &= y_i y_i \\ dz &= 2 y_i w_{ij} dx_j")


def test_a_vector_sums_to_one() -> None:
    assert verify("% sums to one \\mathbf{p}\n" r"s &= \mathbf{1}^\top \mathbf{p} \\ s &= 1")


def test_an_inverse_in_a_row_is_no_argument_of_the_loss() -> None:
    # Otherwise the gradient would go through the inverse as well.
    text = r"\mathbf{y} &= \mathbf{A} \mathbf{x} \\ \mathbf{A}^{-1} \mathbf{y} &= \mathbf{x} \\ "
    assert verify(
        text + r"\frac{\partial l}{\partial \mathbf{A}} &= \frac{\partial l}{\partial \mathbf{y}} \mathbf{x}^\top"
    )


LATEX = {
    "h_{ti} &= w_{ij} h_{t-1,j}": ["h_{ti} &= w_{ij} h_{t-1,j}"],
    r"y &= \mathbf{h}_{t-1} = z^{(1)} = A^\top": [r"y &= \mathbf{h}_{t-1}", "= z^{(1)}", r"= A^\top"],
    r"a &= x^*, \quad b = c^T \Rightarrow d = f.": ["a &= x^*,", "b = c^T", r"\Rightarrow d = f."],
    r"E &= \boxed{\sum_{j \ne k} x_j}": [r"E &= \boxed{\sum_{j \ne k} x_j}"],
    r"\boxed{a = b} \quad c = d": ["a = b", "c = d"],
    r"y &= \boxed{x_{\text{in}}} + \|\mathbf{x}_{\text{out}}\|_F": [
        r"y &= \boxed{x_{\text{in}}} + \|\mathbf{x}_{\text{out}}\|_F"
    ],
}


@pytest.mark.parametrize(("text", "rows"), LATEX.items(), ids=LATEX.keys())
def test_each_relation_is_typeset_whole(text: str, rows: list[str]) -> None:
    chains = [entry for entry in parse_notation("% label t\n" + text).entries if isinstance(entry, Chain)]
    assert [relation.latex for chain in chains for relation in chain.relations] == rows


FALSE = {
    "a name in words at the end of a row": r"\text{loss} &= x^2 \\ y &= z \text{loss} \\ y &= z",
    "a condition that few sizes meet": r"y_i &= x_i \\ y_i &= 2 x_i \quad i = 10",
    "a condition as a factor": r"y_i &= x_i \\ y_i &= x_i + \mathbb{1}[i > 5]",
    "one that all values of small sizes meet": r"s &= \sum_i \mathbb{1}[i \le 5] x_i \\ s &= \sum_i x_i",
    "a capital of components, and the size of a vector": r"m &= \frac{1}{I} \sum_i x_i \\ s &= I m \\ s &= \mathbf{1}^\top (\mathbf{z} - \mathbf{z} + \mathbf{1}) \, m",
    "a declared range, and the size of a vector": "% size i = N\n" r"m &= \frac{1}{N} \sum_i x_i \\ m N &= m \, \mathbf{1}^\top (\mathbf{z} - \mathbf{z} + \mathbf{1})",
    "names with two labels": r"y &= W^{(1)} - W^{(2)} \\ y &= 0",
    "names in two styles": r"\mathbf{y} &= \mathbf{W} \mathbf{x} - \boldsymbol{W} \mathbf{x} \\ \mathbf{y} &= \mathbf{0}",
    "a determinant as a scalar of the loss": r"s &= \det(\mathbf{A}) \\ t &= \operatorname{tr}(\mathbf{A}) \\ \frac{\partial l}{\partial \mathbf{A}} &= \frac{\partial l}{\partial s} s \mathbf{A}^{-\top}",
    "a path that is not held fixed": r"\mathbf{h} &= \mathbf{A} \mathbf{x} \\ \mathbf{y} &= \mathbf{h} + \mathbf{B} \mathbf{x} \\ \left. \frac{\partial \mathbf{y}}{\partial \mathbf{x}} \right|_{\mathbf{h}} &= \mathbf{A} + \mathbf{B}",
    "a matrix that nothing makes square": r"t &= \|\mathbf{A}\|_F^2 \\ \mathbf{A} (\mathbf{A}^\top \mathbf{A})^{-1} \mathbf{A}^\top &= \mathbf{I}",
    "an upstream gradient as a differential": r"\mathbf{Y} &= \mathbf{X} \mathbf{W} \\ \mathbf{G} &= \frac{\partial \ell}{\partial \mathbf{Y}} \\ d\ell &= \operatorname{tr}(\mathbf{G} d\mathbf{Y}^\top) + \operatorname{tr}(\mathbf{G}^\top d\mathbf{Y})",
    "a matrix exponential": r"\mathbf{B} &= \exp(\mathbf{A}) \\ \mathbf{B} \mathbf{B} &= \exp(2 \mathbf{A})",
}  # fmt: skip


@pytest.mark.parametrize("text", FALSE.values(), ids=FALSE.keys())
def test_what_looks_alike_is_not_taken_for_the_same(text: str) -> None:
    page = Derivations()
    *above, last = text.split(r"\\")
    assert page.check(r"\\".join(above))
    assert not page.check(last)
