"""The body of the playground's page; what stands between two @ is filled in."""

FRAME = """\
<header>
<nav class="crumbs"><a href="index.html">← @home@</a></nav>
<h1>@title@</h1>
<p class="text">@intro@</p>
<noscript><p class="error">@noscript@</p></noscript>
</header>
<main>
<section class="playground">
<div class="chooser">
<label>@surface@ <select id="surface"></select></label>
<label>@start@ <select id="start"></select></label>
</div>
<p id="about" class="text"></p>
<div class="board">
<div class="scene">
<svg id="map" viewBox="-54 -6 472 450" role="img" aria-label=""></svg>
<div class="transport">
<button type="button" id="play">@play@</button>
<label class="unseen" for="step">@step@</label>
<input type="range" id="step" min="0" max="100" step="1" value="100">
<label><span class="unseen">@speed@</span>
<select id="speed"><option value="8">@slow@</option><option value="20" selected>@normal@</option>
<option value="60">@fast@</option></select></label>
</div>
<p id="at" class="soft"></p>
</div>
<div class="controls">
<fieldset id="methods"><legend>@methods@</legend></fieldset>
<div class="slider"><output id="rate-value" for="rate"></output>
<label for="rate">@rate@</label>
<input type="range" id="rate" min="0" max="5" step="1" value="2"></div>
<div class="slider"><output id="length-value" for="length"></output>
<label for="length">@length@</label>
<input type="range" id="length" min="0" max="5" step="1" value="3"></div>
<div class="slider"><output id="momentum-value" for="momentum"></output>
<label for="momentum">@momentum@</label>
<input type="range" id="momentum" min="0" max="3" step="1" value="2"></div>
<label class="check"><input type="checkbox" id="warm"> @warm_up@</label>
<p class="soft">@lead@</p>
</div>
<div class="losses">
<h2>@losses@</h2>
<svg id="chart" viewBox="-54 -10 472 238" role="img" aria-label="@losses@"></svg>
</div>
</div>
<p id="status" class="unseen" role="status"></p>
</section>
<section><h2>@try@</h2>@tries@</section>
</main>
<script type="application/json" id="data">@data@</script>
<script>
@script@</script>
"""
