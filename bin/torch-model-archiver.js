#!/usr/bin/env node
import '../dist/quick/torch-model-archiver.js'
