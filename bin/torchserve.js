#!/usr/bin/env node
import '../dist/cli/torchserve.js'
