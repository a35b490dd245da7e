// widget.js
