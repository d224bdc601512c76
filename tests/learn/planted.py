"""Answers that learners write, each in a style of its own: wrong ones with words of the hint they have to get, and
right ones that look different from ours.
"""

WRONG = [
    # ------------------------------------------------------------------------------------------------ forward_noising
    ("forward_noising", "both square roots are missing", """
def forward_noising(x0, noise, alpha_bar):
    a = alpha_bar.view(-1, 1, 1, 1, 1)
    return x0 * a + noise - noise * a
"""),
    ("forward_noising", "1 - sqrt(alpha_bar)", """
def forward_noising(x0, noise, alpha_bar):
    s = alpha_bar.sqrt().reshape(len(x0), 1, 1, 1, 1)
    return torch.lerp(noise, x0, s)
"""),
    ("forward_noising", "1 - alpha_bar: its square root is missing", """
def forward_noising(x0, noise, alpha_bar):
    return torch.stack([x0[i] * alpha_bar[i] ** 0.5 + noise[i] * (1 - alpha_bar[i]) for i in range(len(x0))])
"""),
    ("forward_noising", "swapped", """
def forward_noising(x0, noise, alpha_bar):
    signal = torch.sqrt(1 - alpha_bar)
    spread = torch.sqrt(alpha_bar)
    return torch.einsum("b,bcfhw->bcfhw", signal, x0) + torch.einsum("b,bcfhw->bcfhw", spread, noise)
"""),
    ("forward_noising", "met the last axis, W", """
def forward_noising(x0, noise, alpha_bar):
    return torch.sqrt(alpha_bar) * x0 + torch.sqrt(1.0 - alpha_bar) * noise
"""),
    # ------------------------------------------------------------------------------------------------- ancestral_step
    ("ancestral_step", "standard deviation sqrt(beta)", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    alpha = alpha_bar / alpha_bar_next
    beta = 1 - alpha
    mean = (alpha_bar_next ** 0.5 * beta * x0 + alpha ** 0.5 * (1 - alpha_bar_next) * xt) / (1 - alpha_bar)
    if alpha_bar_next == 1:
        return mean
    return mean + beta * noise
"""),
    ("ancestral_step", "Noise is added in the last step", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    alpha = alpha_bar / alpha_bar_next
    mean = (alpha_bar_next ** 0.5 * (1 - alpha) * x0 + alpha ** 0.5 * (1 - alpha_bar_next) * xt) / (1 - alpha_bar)
    return mean + (1 - alpha) ** 0.5 * noise
"""),
    ("ancestral_step", "the paper's other variance", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    a = alpha_bar / alpha_bar_next
    b = 1 - a
    mean = alpha_bar_next.sqrt() * b / (1 - alpha_bar) * x0 + a.sqrt() * (1 - alpha_bar_next) / (1 - alpha_bar) * xt
    variance = b * (1 - alpha_bar_next) / (1 - alpha_bar)
    return mean + torch.sqrt(variance) * noise
"""),
    ("ancestral_step", "Only the mean", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    a = alpha_bar / alpha_bar_next
    return torch.sqrt(alpha_bar_next) * (1 - a) / (1 - alpha_bar) * x0 + torch.sqrt(a) * (1 - alpha_bar_next) / (1 -
alpha_bar) * xt
"""),
    # ------------------------------------------------------------------------------------------- factorised_attention
    ("factorised_attention", "it never moves an axis", """
def factorised_attention(x):
    b, c, f, h, w = x.shape
    return x.reshape(b * f, h * w, c), x.reshape(-1, f, c)
"""),
    ("factorised_attention", "cut from the space sequences", """
def factorised_attention(x):
    b, c, f, h, w = x.shape
    space = x.permute(0, 2, 3, 4, 1).reshape(b * f, h * w, c)
    return space, space.view(b * h * w, f, c)
"""),
    ("factorised_attention", "Channels sit in the middle", """
def factorised_attention(x):
    space = torch.stack([clip[:, k].flatten(1) for clip in x for k in range(x.shape[2])])
    time = torch.stack([clip[:, :, i, j] for clip in x for i in range(x.shape[3]) for j in range(x.shape[4])])
    return space, time
"""),
    # ------------------------------------------------------------------------------------------------- reparameterise
    ("reparameterise", "uses exp(log_variance), the variance", """
def reparameterise(mean, log_variance, noise):
    variance = log_variance.exp()
    kl = (mean.square() + variance - 1 - log_variance) / 2
    return variance * noise + mean, kl.mean((1, 2, 3, 4))
"""),
    ("reparameterise", "the 0.5 is missing", """
def reparameterise(mean, log_variance, noise):
    std = torch.exp(0.5 * log_variance)
    return mean + std * noise, (mean ** 2 + std ** 2 - 1 - 2 * std.log()).mean(dim=[1, 2, 3, 4])
"""),
    ("reparameterise", "summed, not averaged", """
def reparameterise(mean, log_variance, noise):
    std = torch.exp(0.5 * log_variance)
    prior = torch.distributions.Normal(0.0, 1.0)
    kl = torch.distributions.kl_divergence(torch.distributions.Normal(mean, std), prior)
    return mean + std * noise, kl.sum((1, 2, 3, 4))
"""),
    ("reparameterise", "wrong sign", """
def reparameterise(mean, log_variance, noise):
    kl = 0.5 * (1 + log_variance - mean ** 2 - log_variance.exp())
    return mean + torch.exp(log_variance / 2) * noise, kl.flatten(1).mean(-1)
"""),
    ("reparameterise", "No gradient comes back", """
def reparameterise(mean, log_variance, noise):
    with torch.no_grad():
        z = mean + torch.exp(log_variance / 2) * noise
    return z, 0.5 * (mean ** 2 + log_variance.exp() - 1 - log_variance).flatten(1).mean(1)
"""),
    # ----------------------------------------------------------------------------------------------------- unpatchify
    ("unpatchify", "Rows and columns inside a patch are swapped", """
def unpatchify(tokens, grid, patch):
    (f, h, w), (p, q, r) = grid, patch
    x = tokens.view(len(tokens), f, h, w, p, q, r, -1)
    return x.permute(0, 7, 1, 4, 2, 6, 3, 5).reshape(len(tokens), -1, f * p, h * q, w * r)
"""),
    ("unpatchify", "the wrong way round", """
def unpatchify(tokens, grid, patch):
    (f, h, w), (p, q, r) = grid, patch
    x = tokens.view(len(tokens), f, h, w, p, q, r, -1)
    return x.permute(0, 7, 4, 1, 5, 2, 6, 3).flatten(6).flatten(4, 5).flatten(2, 3)
"""),
    ("unpatchify", "You read the channels first", """
def unpatchify(tokens, grid, patch):
    (f, h, w), (p, q, r) = grid, patch
    x = tokens.view(len(tokens), f, h, w, -1, p, q, r)
    return torch.einsum("bfhwcpqr->bcfphqwr", x).reshape(len(tokens), -1, f * p, h * q, w * r)
"""),
    ("unpatchify", "reshape alone never moves", """
def unpatchify(tokens, grid, patch):
    return tokens.reshape(tokens.shape[0], -1, grid[0] * patch[0], grid[1] * patch[1], grid[2] * patch[2])
"""),
    # ------------------------------------------------------------------------------------------------ cross_attention
    ("cross_attention", "The softmax runs over the video tokens", """
def cross_attention(query, key, value, mask, num_heads):
    b, n, d = query.shape
    q, k, v = (t.view(b, -1, num_heads, d // num_heads) for t in (query, key, value))
    scores = torch.einsum("bnhe,blhe->bhnl", q, k) / (d // num_heads) ** 0.5
    weights = torch.softmax(scores, dim=2)
    return torch.einsum("bhnl,blhe->bnhe", weights, v).reshape(b, n, d)
"""),
    ("cross_attention", "The scale is missing", """
def cross_attention(query, key, value, mask, num_heads):
    outs = []
    for q, k, v in zip(query.chunk(num_heads, -1), key.chunk(num_heads, -1), value.chunk(num_heads, -1)):
        scores = q @ k.transpose(1, 2)
        scores = torch.where(mask[:, None], scores, torch.tensor(-1e9))
        outs.append(scores.softmax(-1) @ v)
    return torch.cat(outs, -1)
"""),
    ("cross_attention", "each head has only e", """
def cross_attention(query, key, value, mask, num_heads):
    outs = []
    for q, k, v in zip(query.chunk(num_heads, -1), key.chunk(num_heads, -1), value.chunk(num_heads, -1)):
        scores = q @ k.transpose(1, 2) / query.shape[-1] ** 0.5
        outs.append(scores.masked_fill(~mask[:, None], -torch.inf).softmax(-1) @ v)
    return torch.cat(outs, -1)
"""),
    ("cross_attention", "The mask is not used", """
def cross_attention(query, key, value, mask, num_heads):
    split = [t.unflatten(-1, (num_heads, -1)).transpose(1, 2) for t in (query, key, value)]
    return torch.nn.functional.scaled_dot_product_attention(*split).transpose(1, 2).flatten(2)
"""),
    ("cross_attention", "The mask is the wrong way round", """
def cross_attention(query, key, value, mask, num_heads):
    outs = []
    for q, k, v in zip(query.chunk(num_heads, -1), key.chunk(num_heads, -1), value.chunk(num_heads, -1)):
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
        outs.append(scores.masked_fill(mask[:, None], -torch.inf).softmax(-1) @ v)
    return torch.cat(outs, -1)
"""),
    ("cross_attention", "not moved back", """
def cross_attention(query, key, value, mask, num_heads):
    split = [t.unflatten(-1, (num_heads, -1)).transpose(1, 2) for t in (query, key, value)]
    out = torch.nn.functional.scaled_dot_product_attention(*split, attn_mask=mask[:, None, None])
    return out.reshape(query.shape)
"""),
    # ------------------------------------------------------------------------------------------------------- modulate
    ("modulate", "Shift and scale are swapped", """
def modulate(x, shift, scale):
    y = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    return y + y * shift + scale
"""),
    ("modulate", "it has to be 1 + scale", """
def modulate(x, shift, scale):
    return torch.nn.LayerNorm(x.shape[-1], elementwise_affine=False)(x).mul(scale).add(shift)
"""),
    ("modulate", "not normalised", """
def modulate(x, shift, scale):
    return torch.addcmul(shift, x, scale + 1)
"""),
    # ---------------------------------------------------------------------------------------------------------- guide
    ("guide", "every scale is one too strong", """
def guide(x0_cond, x0_negative, guidance_scale):
    return (1 + guidance_scale) * x0_cond - guidance_scale * x0_negative
"""),
    ("guide", "points the wrong way", """
def guide(x0_cond, x0_negative, guidance_scale):
    return x0_negative - guidance_scale * (x0_cond - x0_negative)
"""),
    ("guide", "exchanged", """
def guide(x0_cond, x0_negative, guidance_scale):
    return torch.lerp(x0_cond, x0_negative, guidance_scale)
"""),
    # ------------------------------------------------------------------------------------------------------ ddim_step
    ("ddim_step", "x_t itself stands where the noise belongs", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    return alpha_next * x0 + sigma_next * xt
"""),
    ("ddim_step", "not divided by sigma", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    noise = xt - alpha * x0
    return alpha_next * x0 + noise * sigma_next
"""),
    ("ddim_step", "the data has to move", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    noise = (xt - alpha * x0) / sigma
    return xt - (sigma - sigma_next) * noise
"""),
    # ------------------------------------------------------------------------------------------------ downsample_time
    ("downsample_time", "kept every stride-th frame", """
def downsample_time(x, stride):
    return torch.stack([x[:, :, k] for k in range(0, x.shape[2], stride)], 2)
"""),
    ("downsample_time", "Repeat the first frame", """
def downsample_time(x, stride):
    padded = torch.nn.functional.pad(x, (0, 0, 0, 0, stride - 1, 0))
    return torch.nn.functional.avg_pool3d(padded, (stride, 1, 1))
"""),
    ("downsample_time", "looks into the future", """
def downsample_time(x, stride):
    padded = torch.nn.functional.pad(x, (0, 0, 0, 0, 0, stride - 1), mode="replicate")
    return torch.nn.functional.avg_pool3d(padded, (stride, 1, 1))
"""),
    ("downsample_time", "the last frame stays alone", """
def downsample_time(x, stride):
    groups = x[:, :, :-1].split(stride, 2)
    return torch.cat([g.mean(2, keepdim=True) for g in groups if g.shape[2]] + [x[:, :, -1:]], 2)
"""),
    # ------------------------------------------------- planted after the checker was written, before it knew them
    ("forward_noising", "noise is taken 1 times where 0.81 = sqrt(1 - alpha_bar)", """
def forward_noising(x0, noise, alpha_bar):
    a = alpha_bar[:, None, None, None, None]
    return a.sqrt() * x0 + noise
"""),
    ("forward_noising", "x0 is taken 0.1182 = alpha_bar^2 times where 0.5864 = sqrt(alpha_bar)", """
def forward_noising(x0, noise, alpha_bar):
    a = alpha_bar[:, None, None, None, None]
    return a ** 2 * x0 + (1 - a) ** 2 * noise
"""),
    ("forward_noising", "asked the same twice", """
def forward_noising(x0, noise, alpha_bar):
    a = alpha_bar[:, None, None, None, None]
    return a.sqrt() * x0 + (1 - a).sqrt() * torch.randn_like(x0)
"""),
    ("forward_noising", "averaged over the clips", """
def forward_noising(x0, noise, alpha_bar):
    a = alpha_bar.mean()
    return a.sqrt() * x0 + (1 - a).sqrt() * noise
"""),
    ("forward_noising", "took alpha_bar for the scale", """
def forward_noising(x0, noise, alpha_bar):
    a = alpha_bar[:, None, None, None, None]
    return a * x0 + (1 - a * a).sqrt() * noise
"""),
    ("forward_noising", "as far as the first", """
def forward_noising(x0, noise, alpha_bar):
    return torch.stack([x0[i]*alpha_bar[0]**.5 + noise[i]*(1-alpha_bar[0])**.5 for i in range(len(x0))])
"""),
    ("ancestral_step", "lacks the factor 1 / sqrt(1 - beta)", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    a = alpha_bar / alpha_bar_next
    eps = (xt - alpha_bar.sqrt() * x0) / (1 - alpha_bar).sqrt()
    mean = xt - (1 - a) / (1 - alpha_bar).sqrt() * eps
    return mean if alpha_bar_next == 1 else mean + (1 - a).sqrt() * noise
"""),
    ("ancestral_step", "x0 is taken 0.8944 = sqrt(alpha_bar_next)", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    a = alpha_bar
    m = (alpha_bar_next.sqrt() * (1 - a) * x0 + a.sqrt() * (1 - alpha_bar_next) * xt) / (1 - alpha_bar)
    return m if alpha_bar_next == 1 else m + (1 - a).sqrt() * noise
"""),
    ("ancestral_step", "That is a DDIM step", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    e = (xt - alpha_bar.sqrt() * x0) / (1 - alpha_bar).sqrt()
    return alpha_bar_next.sqrt() * x0 + (1 - alpha_bar_next).sqrt() * e
"""),
    ("ancestral_step", "not divided by 1 - alpha_bar", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    a = alpha_bar / alpha_bar_next
    m = alpha_bar_next.sqrt() * (1 - a) * x0 + a.sqrt() * (1 - alpha_bar_next) * xt
    return m if alpha_bar_next == 1 else m + (1 - a).sqrt() * noise
"""),
    ("ancestral_step", "The coefficient of x_t lacks a square root", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    a = alpha_bar / alpha_bar_next
    m = (alpha_bar_next.sqrt() * (1 - a) * x0 + a * (1 - alpha_bar_next) * xt) / (1 - alpha_bar)
    return m if alpha_bar_next == 1 else m + (1 - a).sqrt() * noise
"""),
    ("factorised_attention", "Places and channels of the space sequences", """
def factorised_attention(x):
    b, c, f, h, w = x.shape
    return x.permute(0,2,1,3,4).reshape(b*f, h*w, c), x.permute(0,3,4,2,1).reshape(b*h*w, f, c)
"""),
    ("factorised_attention", "a sequence of its own", """
def factorised_attention(x):
    b, c, f, h, w = x.shape
    return x.permute(0,2,3,4,1).reshape(b*f, h*w, c), x.permute(0,2,3,4,1).reshape(b, f*h*w, c)
"""),
    ("factorised_attention", "of the time sequences are swapped", """
def factorised_attention(x):
    b, c, f, h, w = x.shape
    return x.permute(0,2,3,4,1).reshape(b*f, h*w, c), x.permute(0,4,3,2,1).reshape(b*h*w, f, c)
"""),
    ("reparameterise", "square root of the log-variance", """
def reparameterise(mean, log_variance, noise):
    s = log_variance.sqrt()
    return mean + s * noise, (0.5*(mean**2 + log_variance.exp() - 1 - log_variance)).mean((1,2,3,4))
"""),
    ("reparameterise", "summed over the channels", """
def reparameterise(mean, log_variance, noise):
    kl = 0.5*(mean**2 + log_variance.exp() - 1 - log_variance)
    return mean + (log_variance/2).exp() * noise, kl.sum(1).mean((1,2,3))
"""),
    ("reparameterise", "has the standard deviation where the variance", """
def reparameterise(mean, log_variance, noise):
    s = (log_variance/2).exp()
    kl = 0.5*(mean**2 + s - 1 - log_variance)
    return mean + s * noise, kl.mean((1,2,3,4))
"""),
    ("reparameterise", "mean is missing", """
def reparameterise(mean, log_variance, noise):
    s = (log_variance/2).exp()
    kl = 0.5*(mean**2 + log_variance.exp() - 1 - log_variance)
    return s * noise, kl.mean((1,2,3,4))
"""),
    ("unpatchify", "The channels were not moved", """
def unpatchify(tokens, grid, patch):
    (f,h,w),(p,q,r)=grid,patch
    x = tokens.view(len(tokens),f,h,w,p,q,r,-1).permute(0,1,4,2,5,3,6,7)
    return x.reshape(len(tokens),-1,f*p,h*q,w*r)
"""),
    ("unpatchify", "Frames are nested the wrong way", """
def unpatchify(tokens, grid, patch):
    (f,h,w),(p,q,r)=grid,patch
    x = tokens.view(len(tokens),f,h,w,p,q,r,-1).permute(0,7,4,1,2,5,3,6)
    return x.reshape(len(tokens),-1,f*p,h*q,w*r)
"""),
    ("unpatchify", "axes are in the order (0, 1, 2, 4, 3)", """
def unpatchify(tokens, grid, patch):
    (f,h,w),(p,q,r)=grid,patch
    x = tokens.view(len(tokens),f,w,h,p,r,q,-1).permute(0,7,1,4,3,6,2,5)
    return x.reshape(len(tokens),-1,f*p,h*q,w*r)
"""),
    ("cross_attention", "Queries and keys are exchanged", """
def cross_attention(query, key, value, mask, num_heads):
    B,n,d=query.shape; e=d//num_heads
    q,k,v=(t.view(B,-1,num_heads,e).transpose(1,2) for t in (query,key,value))
    s=(k@q.transpose(-1,-2)/e**.5).softmax(-1)
    return (s@v).transpose(1,2).reshape(B,n,d)
"""),
    ("cross_attention", "runs over the heads", """
def cross_attention(query, key, value, mask, num_heads):
    B,n,d=query.shape; e=d//num_heads
    q,k,v=(t.view(B,-1,num_heads,e).transpose(1,2) for t in (query,key,value))
    s=(q@k.transpose(-1,-2)/e**.5).masked_fill(~mask[:,None,None],-torch.inf).softmax(1)
    return (s@v).transpose(1,2).reshape(B,n,d)
"""),
    ("cross_attention", "a share of exp(0)", """
def cross_attention(query, key, value, mask, num_heads):
    B,n,d=query.shape; e=d//num_heads
    q,k,v=(t.view(B,-1,num_heads,e).transpose(1,2) for t in (query,key,value))
    s=((q@k.transpose(-1,-2)/e**.5)*mask[:,None,None]).softmax(-1)
    return (s@v).transpose(1,2).reshape(B,n,d)
"""),
    ("cross_attention", "Two things are missing", """
def cross_attention(query, key, value, mask, num_heads):
    B,n,d=query.shape; e=d//num_heads
    q,k,v=(t.view(B,-1,num_heads,e).transpose(1,2) for t in (query,key,value))
    return ((q@k.transpose(-1,-2)).softmax(-1)@v).transpose(1,2).reshape(B,n,d)
"""),
    ("cross_attention", "keys are taken for values", """
def cross_attention(query, key, value, mask, num_heads):
    B,n,d=query.shape; e=d//num_heads
    q,k,v=(t.view(B,-1,num_heads,e).transpose(1,2) for t in (query,key,key))
    s=(q@k.transpose(-1,-2)/e**.5).masked_fill(~mask[:,None,None],-torch.inf).softmax(-1)
    return (s@v).transpose(1,2).reshape(B,n,d)
"""),
    ("modulate", "shift is missing; normalise(x) shift is there 1 times", """
def modulate(x, shift, scale):
    return torch.nn.functional.layer_norm(x, x.shape[-1:]) * (1 + scale + shift)
"""),
    ("modulate", "divide by the variance", """
def modulate(x, shift, scale):
    y = (x - x.mean(-1, keepdim=True)) / x.var(-1, keepdim=True, unbiased=False)
    return y * (1+scale) + shift
"""),
    ("modulate", "divides by d - 1", """
def modulate(x, shift, scale):
    y = (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True)
    return y * (1+scale) + shift
"""),
    ("modulate", "RMS norm", """
def modulate(x, shift, scale):
    y = x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    return y * (1+scale) + shift
"""),
    ("modulate", "x is there 1 times, and does not belong there", """
def modulate(x, shift, scale):
    return x + torch.nn.functional.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift
"""),
    ("modulate", "normalise(x) scale has the wrong sign", """
def modulate(x, shift, scale):
    return torch.nn.functional.layer_norm(x, x.shape[-1:]) * (1 - scale) + shift
"""),
    ("guide", "one too small", """
def guide(x0_cond, x0_negative, guidance_scale):
    return x0_negative + (guidance_scale - 1) * (x0_cond - x0_negative)
"""),
    ("guide", "x0_cond is taken 0.5 times where 4 = guidance_scale", """
def guide(x0_cond, x0_negative, guidance_scale):
    return (x0_cond + x0_negative) / 2
"""),
    ("guide", "cut off at -1 and 1", """
def guide(x0_cond, x0_negative, guidance_scale):
    return (x0_negative + guidance_scale * (x0_cond - x0_negative)).clamp(-1, 1)
"""),
    ("ddim_step", "epsilon has the wrong sign: -0.28 = -sigma_next", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    e = (alpha * x0 - xt) / sigma
    return alpha_next * x0 + sigma_next * e
"""),
    ("ddim_step", "multiplied by the same sigma", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    e = (xt - alpha * x0) / sigma
    return alpha_next * x0 + sigma * e
"""),
    ("ddim_step", "epsilon is taken 1 times where 0.28 = sigma_next", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    e = (xt - alpha * x0) / sigma
    return alpha_next * x0 + e
"""),
    ("downsample_time", "Each group holds stride + 1 frames", """
def downsample_time(x, stride):
    starts = range(0, x.shape[2] - 1, stride)
    return torch.cat([x[:, :, :1]] + [x[:, :, i : i + stride + 1].mean(2, keepdim=True) for i in starts], 2)
"""),
    ("downsample_time", "Groups begin with frame 0", """
def downsample_time(x, stride):
    return torch.nn.functional.avg_pool3d(x, (stride, 1, 1))
"""),
    ("downsample_time", "first frame of each group", """
def downsample_time(x, stride):
    return torch.cat([x[:, :, :1], x[:, :, 1::stride]], 2)
"""),
    ("downsample_time", "It is right for 1 frames, stride 2, but fails for 5 frames", """
def downsample_time(x, stride):
    y = torch.nn.functional.avg_pool3d(x[:, :, 1:], (stride, 2, 2)) if x.shape[2] > 1 else x[:, :, 1:]
    return torch.cat([x[:, :, :1], y], 2)
"""),
    # ---------------------------------------------------------------------------------------- clips that are not apart
    ("modulate", "the clips of a batch are mixed", """
def modulate(x, shift, scale):
    y = x - x.mean((0, 1, 2), keepdim=True)
    return y / (y.square().mean((0, 1, 2), keepdim=True) + 1e-5).sqrt() * (1 + scale) + shift
"""),
    ("guide", "they are float64", """
def guide(x0_cond, x0_negative, guidance_scale):
    return x0_negative + guidance_scale * (x0_cond - x0_negative).double()
"""),
    ("guide", "1 / sqrt(8)", """
def guide(x0_cond, x0_negative, guidance_scale):
    return (x0_negative + guidance_scale * (x0_cond - x0_negative)) / 8 ** 0.5
"""),
    ("unpatchify", "stands tokens[0, 3, 11] where tokens[0, 3, 3] belongs", """
def unpatchify(tokens, grid, patch):
    (f, h, w), (p, q, r) = grid, patch
    x = tokens.view(len(tokens), f, h, w, p, q, r, -1).flip(4)
    return x.permute(0, 7, 1, 4, 2, 5, 3, 6).reshape(len(tokens), -1, f * p, h * q, w * r)
"""),
    # ---------------------------------------------------------------------------------- mistakes that have no exercise
    ("guide", "every number is 2 times the right one", """
def guide(x0_cond, x0_negative, guidance_scale):
    return 2 * (x0_negative + guidance_scale * (x0_cond - x0_negative))
"""),
    ("guide", "0.125 too large", """
def guide(x0_cond, x0_negative, guidance_scale):
    return x0_negative + guidance_scale * (x0_cond - x0_negative) + 0.125
"""),
    ("guide", "is a `return` missing", """
def guide(x0_cond, x0_negative, guidance_scale):
    guided = x0_negative + guidance_scale * (x0_cond - x0_negative)
"""),
    ("guide", "changed in place", """
def guide(x0_cond, x0_negative, guidance_scale):
    x0_cond -= x0_negative
    return x0_negative + guidance_scale * x0_cond
"""),
    ("guide", "NaN", """
def guide(x0_cond, x0_negative, guidance_scale):
    return (x0_negative + guidance_scale * (x0_cond - x0_negative)).log()
"""),
    ("reparameterise", "one tensor where 2 are asked for", """
def reparameterise(mean, log_variance, noise):
    return mean + torch.exp(log_variance / 2) * noise
"""),
    ("modulate", "its shape is (2, 4, 4) where", """
def modulate(x, shift, scale):
    return (torch.nn.functional.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift)[:, 0]
"""),
    ("unpatchify", "It is right for a grid of (2, 2, 2)", """
def unpatchify(tokens, grid, patch):
    x = tokens.view(len(tokens), 2, 2, 2, 2, 2, 2, -1)
    return x.permute(0, 7, 1, 4, 2, 5, 3, 6).reshape(len(tokens), -1, 4, 4, 4)
"""),
    # ------------------------------------------------------------------ from a blind trial: no hint, or a wrong one
    ("forward_noising", "three more axes", """
def forward_noising(x0, noise, alpha_bar):
    alpha_bar = alpha_bar.view(-1, 1, 1, 1)
    x_t = torch.sqrt(alpha_bar) * x0 + torch.sqrt(1 - alpha_bar) * noise
    return x_t
"""),
    ("ancestral_step", "divided by 1 - alpha_bar_next", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    beta = 1 - alpha_bar / alpha_bar_next
    mean = (alpha_bar_next ** 0.5 * beta / (1 - alpha_bar_next)) * x0 + (
        (alpha_bar / alpha_bar_next) ** 0.5 * (1 - alpha_bar_next) / (1 - alpha_bar_next)
    ) * xt
    if alpha_bar_next < 1:
        mean = mean + beta ** 0.5 * noise
    return mean
"""),
    ("ancestral_step", "in the last step only", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    beta = 1 - alpha_bar / alpha_bar_next
    from_xt = (alpha_bar / alpha_bar_next).sqrt() * (1 - alpha_bar_next) * xt
    mean = (alpha_bar_next.sqrt() * beta * x0 + from_xt) / (1 - alpha_bar)
    if alpha_bar_next != 1:
        return mean
    else:
        return mean + beta.sqrt() * noise
"""),
    ("downsample_time", "always 2", """
def downsample_time(x, stride):
    first = x[:, :, :1]
    merged = (x[:, :, 1::2] + x[:, :, 2::2]) / 2
    return torch.cat([first, merged], dim=2)
"""),
    ("cross_attention", "added as 1 and 0", """
def cross_attention(query, key, value, mask, num_heads):
    b, n, d = query.shape
    l = key.shape[1]
    e = d // num_heads
    q = query.reshape(b, n, num_heads, e).permute(0, 2, 1, 3)
    k = key.reshape(b, l, num_heads, e).permute(0, 2, 3, 1)
    v = value.reshape(b, l, num_heads, e).permute(0, 2, 1, 3)
    scores = torch.matmul(q, k) / e ** 0.5 + mask.float()[:, None, None]
    return torch.matmul(scores.softmax(-1), v).permute(0, 2, 1, 3).reshape(b, n, d)
"""),
    ("cross_attention", "mixes tokens and channels", """
import torch.nn.functional as F
def cross_attention(query, key, value, mask, num_heads):
    b, n, d = query.shape
    l = key.shape[1]
    q = query.view(b, num_heads, n, d // num_heads)
    k = key.view(b, num_heads, l, d // num_heads)
    v = value.view(b, num_heads, l, d // num_heads)
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
    return out.reshape(b, n, d)
"""),
    ("cross_attention", "over the video tokens", """
from einops import rearrange
def cross_attention(query, key, value, mask, num_heads):
    split = lambda t: rearrange(t, "b t (m e) -> b m t e", m=num_heads)
    q, k, v = split(query), split(key), split(value)
    scores = q @ k.mT / (q.size(-1) ** 0.5)
    scores = scores.masked_fill(~mask[:, None, None], -1e9)
    weights = torch.softmax(scores, dim=2)
    return rearrange(weights @ v, "b m n e -> b n (m e)")
"""),
    ("modulate", "over the tokens of a frame, too", """
import torch.nn.functional as F
def modulate(x, shift, scale):
    x = F.layer_norm(x, x.shape[-2:], eps=1e-5)
    return x * (1 + scale) + shift
"""),
    ("guide", "A scale below 1", """
def guide(x0_cond, x0_negative, guidance_scale):
    if guidance_scale <= 1:
        return x0_cond
    return x0_negative + guidance_scale * (x0_cond - x0_negative)
"""),
    ("ddim_step", "x_t stands where x0 belongs", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    eps = (xt - alpha * x0) / sigma
    return alpha_next * xt + sigma_next * eps
"""),
    ("ddim_step", "put brackets around", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    epsilon = xt - alpha * x0 / sigma
    return alpha_next * x0 + sigma_next * epsilon
"""),
    ("ancestral_step", "upside down", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    beta = 1 - alpha_bar_next / alpha_bar
    a = torch.sqrt(alpha_bar_next) * beta / (1 - alpha_bar)
    b = torch.sqrt(alpha_bar / alpha_bar_next) * (1 - alpha_bar_next) / (1 - alpha_bar)
    return a * x0 + b * xt + (torch.sqrt(beta) * noise if alpha_bar_next < 1 else 0)
"""),
    ("ancestral_step", "beta is 1 - alpha_bar:", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    beta = 1 - alpha_bar
    a = torch.sqrt(alpha_bar_next) * beta / (1 - alpha_bar)
    b = torch.sqrt(alpha_bar / alpha_bar_next) * (1 - alpha_bar_next) / (1 - alpha_bar)
    mean = a * x0 + b * xt
    return mean if alpha_bar_next == 1 else mean + torch.sqrt(beta) * noise
"""),
    ("ancestral_step", "gives x_t back", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    if alpha_bar_next == 1:
        return xt
    beta = 1 - alpha_bar / alpha_bar_next
    a = torch.sqrt(alpha_bar_next) * beta / (1 - alpha_bar)
    b = torch.sqrt(alpha_bar / alpha_bar_next) * (1 - alpha_bar_next) / (1 - alpha_bar)
    return a * x0 + b * xt + torch.sqrt(beta) * noise
"""),
    ("ancestral_step", "x0 is not used", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    alpha = alpha_bar / alpha_bar_next
    return (xt - (1 - alpha) / (1 - alpha_bar).sqrt() * noise) / alpha.sqrt()
"""),
    ("factorised_attention", "Channels and frames are exchanged", """
from einops import rearrange
def factorised_attention(x):
    return rearrange(x, "b f c h w -> (b f) (h w) c"), rearrange(x, "b f c h w -> (b h w) f c")
"""),
    ("reparameterise", "through z to log_variance", """
def reparameterise(mean, log_variance, noise):
    std = torch.exp(log_variance.detach() / 2)
    return mean + std * noise, 0.5 * (mean ** 2 + log_variance.exp() - 1 - log_variance).mean((1, 2, 3, 4))
"""),
    ("reparameterise", "halve the logarithm", """
def reparameterise(mean, log_variance, noise):
    variance = log_variance.exp()
    return mean + variance / 2 * noise, 0.5 * (mean ** 2 + variance - 1 - log_variance).mean((1, 2, 3, 4))
"""),
    ("downsample_time", "one frame early", """
def downsample_time(x, stride):
    out = [x[:, :, 0]]
    for i in range(0, x.shape[2] - 1, stride):
        out.append(x[:, :, i:i + stride].mean(2))
    return torch.stack(out, 2)
"""),
    ("unpatchify", "(h ph), not (ph h)", """
from einops import rearrange
def unpatchify(tokens, grid, patch):
    f, h, w = grid
    pf, ph, pw = patch
    return rearrange(tokens, "b (f h w) (pf ph pw c) -> b c (f pf) (ph h) (w pw)", f=f, h=h, w=w, pf=pf, ph=ph, pw=pw)
"""),
    ("cross_attention", "the wrong way round", """
from einops import rearrange
def cross_attention(query, key, value, mask, num_heads):
    q, k, v = (rearrange(t, "b n (m e) -> b m n e", m=num_heads) for t in (query, key, value))
    s = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(mask[:, None, None], -1e9)
    return rearrange(s.softmax(-1) @ v, "b m n e -> b n (m e)")
"""),
    ("cross_attention", "over the heads", """
from einops import rearrange
def cross_attention(query, key, value, mask, num_heads):
    q, k, v = (rearrange(t, "b n (m e) -> b m n e", m=num_heads) for t in (query, key, value))
    s = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~mask[:, None, None], -1e9)
    return rearrange(s.softmax(1) @ v, "b m n e -> b n (m e)")
"""),
    ("modulate", "1 long", """
import torch.nn.functional as F
def modulate(x, shift, scale):
    return F.normalize(x, dim=-1) * (1 + scale) + shift
"""),
    ("modulate", "equal numbers gives NaN", """
def modulate(x, shift, scale):
    n = (x - x.mean(-1, keepdim=True)) / x.var(-1, keepdim=True, unbiased=False).sqrt()
    return n * (1 + scale) + shift
"""),
    ("modulate", "takes brackets", """
import torch.nn.functional as F
def modulate(x, shift, scale):
    return F.layer_norm(x, x.shape[-1:]) * 1 + scale + shift
"""),
    ("modulate", "divide by the variance", """
def modulate(x, shift, scale):
    n = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False) + 1e-5)
    return n * (1 + scale) + shift
"""),
    ("guide", "A scale below 1", """
def guide(x0_cond, x0_negative, guidance_scale):
    return x0_negative + max(1.0, guidance_scale) * (x0_cond - x0_negative)
"""),
    ("ddim_step", "clamped", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    x0 = x0.clamp(-1, 1)
    eps = (xt - alpha * x0) / sigma
    return alpha_next * x0 + sigma_next * eps
"""),
    ("ddim_step", "0.55 = sigma_next is right", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    eps = (xt - alpha * x0) / (1 - alpha ** 2) ** 0.5
    return alpha_next * x0 + (1 - alpha_next ** 2) ** 0.5 * eps
"""),
    ("ddim_step", "multiplied by sigma", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    eps = (xt - alpha * x0) * sigma
    return alpha_next * x0 + sigma_next * eps
"""),
    ("forward_noising", "noise is not used", """
def forward_noising(x0, noise, alpha_bar):
    torch.manual_seed(0)
    eps = torch.randn_like(x0)
    a = alpha_bar[:, None, None, None, None]
    return a.sqrt() * x0 + (1 - a).sqrt() * eps
"""),
    ("cross_attention", "the wrong way round", """
import torch.nn.functional as F
from einops import rearrange
def cross_attention(query, key, value, mask, num_heads):
    q, k, v = (rearrange(t, "b n (m e) -> b m n e", m=num_heads) for t in (query, key, value))
    return rearrange(F.scaled_dot_product_attention(q, k, v, attn_mask=~mask[:, None, None]), "b m n e -> b n (m e)")
"""),
    ("unpatchify", "Rows and columns are nested", """
from einops import rearrange
def unpatchify(tokens, grid, patch):
    f, h, w = grid
    pf, ph, pw = patch
    return rearrange(tokens, "b (f h w) (pf ph pw c) -> b c (f pf) (ph h) (pw w)", f=f, h=h, w=w, pf=pf, ph=ph, pw=pw)
"""),
    ("forward_noising", "the product already", """
def forward_noising(x0, noise, alpha_bar):
    a = torch.cumprod(alpha_bar, 0)[:, None, None, None, None]
    return a.sqrt() * x0 + (1 - a).sqrt() * noise
"""),
    ("factorised_attention", "went into the time sequences", """
from einops import rearrange
def factorised_attention(x):
    return rearrange(x, "b c f h w -> (b f) (h w) c"), rearrange(x, "b c f h w -> (b w) (f h) c")
"""),
    ("factorised_attention", "reverse order", """
from einops import rearrange
def factorised_attention(x):
    return rearrange(x, "b c f h w -> (b f) (h w) c"), rearrange(x.flip(2), "b c f h w -> (b h w) f c")
"""),
    ("downsample_time", "overlap", """
def downsample_time(x, stride):
    first = x[:, :, :1]
    if x.shape[2] == 1:
        return first
    return torch.cat([first, x[:, :, 1:].unfold(2, stride, 1).mean(-1)], 2)
"""),
    ("cross_attention", "only the values of padding", """
from einops import rearrange
def cross_attention(query, key, value, mask, num_heads):
    value = value * mask[..., None]
    q, k, v = (rearrange(t, "b n (m e) -> b m n e", m=num_heads) for t in (query, key, value))
    return rearrange((q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v, "b m n e -> b n (m e)")
"""),
    ("cross_attention", "score of -1", """
from einops import rearrange
def cross_attention(query, key, value, mask, num_heads):
    q, k, v = (rearrange(t, "b n (m e) -> b m n e", m=num_heads) for t in (query, key, value))
    s = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~mask[:, None, None], -1.0)
    return rearrange(s.softmax(-1) @ v, "b m n e -> b n (m e)")
"""),
    ("modulate", "added to the shift, too", """
import torch.nn.functional as F
def modulate(x, shift, scale):
    return F.layer_norm(x, x.shape[-1:]) * (1 + scale) + (1 + shift)
"""),
    ("guide", "whole number", """
def guide(x0_cond, x0_negative, guidance_scale):
    return x0_negative + int(guidance_scale) * (x0_cond - x0_negative)
"""),
    ("guide", "always 4", """
def guide(x0_cond, x0_negative, guidance_scale=4):
    guidance_scale = 4
    return x0_negative + guidance_scale * (x0_cond - x0_negative)
"""),
    ("guide", "weighted mean", """
def guide(x0_cond, x0_negative, guidance_scale):
    return (x0_negative + guidance_scale * x0_cond) / (1 + guidance_scale)
"""),
    ("ddim_step", "squared", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    eps = (xt - alpha * x0) / sigma ** 2
    return alpha_next * x0 + sigma_next ** 2 * eps
"""),
    ("ddim_step", "divided by sigma_next", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    eps = (xt - alpha * x0) / sigma_next
    return alpha_next * x0 + sigma_next * eps
"""),
    ("ddim_step", "replaced by alpha x0", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    x0 = alpha * x0
    eps = (xt - x0) / sigma
    return alpha_next * x0 + sigma_next * eps
"""),
    ("cross_attention", "applied twice", """
from einops import rearrange
import torch.nn.functional as F
def cross_attention(query, key, value, mask, num_heads):
    q, k, v = (rearrange(t, "b n (m e) -> b m n e", m=num_heads) for t in (query, key, value))
    q = q / q.shape[-1] ** 0.5
    return rearrange(F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None]), "b m n e -> b n (m e)")
"""),
]  # fmt: skip

RIGHT = [
    ("forward_noising", """
def forward_noising(x0, noise, alpha_bar):
    return torch.stack([x * a ** 0.5 + n * (1 - a) ** 0.5 for x, n, a in zip(x0, noise, alpha_bar)])
"""),
    ("ancestral_step", """
def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    beta = 1 - alpha_bar / alpha_bar_next
    epsilon = (xt - alpha_bar.sqrt() * x0) / (1 - alpha_bar).sqrt()
    mean = (xt - beta / (1 - alpha_bar).sqrt() * epsilon) / (1 - beta).sqrt()  # algorithm 2 of the paper
    return mean if alpha_bar_next == 1 else mean + beta.sqrt() * noise
"""),
    ("factorised_attention", """
def factorised_attention(x):
    b, c, f, h, w = x.shape
    last = x.permute(0, 2, 3, 4, 1)
    return last.reshape(b * f, h * w, c), last.permute(0, 2, 3, 1, 4).reshape(b * h * w, f, c)
"""),
    ("reparameterise", """
def reparameterise(mean, log_variance, noise):
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    kl = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0))
    return posterior.loc + posterior.scale * noise, kl.mean((1, 2, 3, 4))
"""),
    ("unpatchify", """
def unpatchify(tokens, grid, patch):
    (f, h, w), (p, q, r) = grid, patch
    c = tokens.shape[2] // (p * q * r)
    out = tokens.new_empty(len(tokens), c, f * p, h * q, w * r)
    for n in range(f * h * w):
        i, j, k = n // (h * w), n // w % h, n % w
        part = tokens[:, n].reshape(-1, p, q, r, c).permute(0, 4, 1, 2, 3)
        out[:, :, i * p : i * p + p, j * q : j * q + q, k * r : k * r + r] = part
    return out
"""),
    ("cross_attention", """
def cross_attention(query, key, value, mask, num_heads):
    out = torch.zeros_like(query)
    e = query.shape[-1] // num_heads
    for b in range(len(query)):
        k, v = key[b][mask[b]], value[b][mask[b]]  # padding is simply left out
        for h in range(num_heads):
            part = slice(h * e, h * e + e)
            weights = torch.softmax(query[b, :, part] @ k[:, part].T / e ** 0.5, -1)
            out[b, :, part] = weights @ v[:, part]
    return out
"""),
    ("modulate", """
def modulate(x, shift, scale):
    centred = x - x.mean(-1, keepdim=True)
    y = centred * (centred.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
    return y + y * scale + shift
"""),
    ("guide", """
def guide(x0_cond, x0_negative, guidance_scale):
    return torch.lerp(x0_negative, x0_cond, guidance_scale)
"""),
    ("ddim_step", """
def ddim_step(xt, x0, alpha, sigma, alpha_next, sigma_next):
    share = sigma_next / sigma
    return share * xt + (alpha_next - share * alpha) * x0
"""),
    ("downsample_time", """
def downsample_time(x, stride):
    out = [x[:, :, 0]]
    for k in range(1, x.shape[2], stride):
        out.append(sum(x[:, :, k + i] for i in range(stride)) / stride)
    return torch.stack(out, 2)
"""),
]  # fmt: skip
